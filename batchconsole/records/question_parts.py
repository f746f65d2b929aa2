"""What the questions of some records have in common, so that it is shown once and each by what is its own."""

from collections.abc import Sequence

import msgspec

LEAST = 20  # characters in common that are worth being told apart
MOST_CHARACTERS = 100_000  # of a question that are compared


class Parts(msgspec.Struct, frozen=True):
    """``before`` and ``after`` are what all questions begin and end with, ``own`` what stands between, in order."""

    before: str
    after: str
    own: list[str]


def split_questions(questions: Sequence[str]) -> Parts:
    """*questions* taken apart between words; nothing is in common when it is short, or there are not two."""
    texts = [question[:MOST_CHARACTERS] for question in questions]
    if len(set(texts)) < 2:
        return Parts("", "", texts)
    before = _whole_words(_common_beginning(texts))
    rests = [text[len(before) :] for text in texts]
    backwards = [rest[::-1] for rest in rests]
    after = _whole_words(_common_beginning(backwards))[::-1]
    return Parts(before, after, [rest[: len(rest) - len(after)] for rest in rests])


def _common_beginning(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)  # what these two share, all between them share
    length = next((place for place, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), None)
    return first if length is None else first[:length]


def _whole_words(text: str) -> str:
    """*text* up to its last white space, or nothing when that is short."""
    end = max(text.rfind(" "), text.rfind("\n")) + 1
    return text[:end] if end >= LEAST else ""
