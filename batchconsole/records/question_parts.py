"""Split the questions of records into common and individual parts, so that the common parts are shown once."""

from collections.abc import Sequence

import msgspec

LEAST = 20  # characters that a common part must have
MOST_CHARACTERS = 100_000  # compared per question


class Parts(msgspec.Struct, frozen=True):
    """The common start and end of all questions, and what is between them in each question, in order."""

    before: str
    after: str
    own: list[str]


def split_questions(questions: Sequence[str]) -> Parts:
    """Split *questions* at word boundaries.

    Common parts shorter than ``LEAST`` are ignored. Without two different questions, there are no common parts.
    """
    texts = [question[:MOST_CHARACTERS] for question in questions]
    if len(set(texts)) < 2:
        return Parts("", "", texts)
    before = _whole_words(_common_beginning(texts))
    rests = [text[len(before) :] for text in texts]
    backwards = [rest[::-1] for rest in rests]
    after = _whole_words(_common_beginning(backwards))[::-1]
    return Parts(before, after, [rest[: len(rest) - len(after)] for rest in rests])


def _common_beginning(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)  # every text sorts between them, so it shares their common start
    length = next((place for place, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), None)
    return first if length is None else first[:length]


def _whole_words(text: str) -> str:
    """Return *text* up to its last space or newline, or an empty string if that is shorter than ``LEAST``."""
    end = max(text.rfind(" "), text.rfind("\n")) + 1
    return text[:end] if end >= LEAST else ""
