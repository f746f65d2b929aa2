"""Compare the answers of several jobs to one input, record by record, in one pass over their outputs.

Only digests of answers are kept, so memory use is about forty bytes per record and job.
"""

import json
import re
import unicodedata
from array import array
from collections.abc import Callable, Sequence
from enum import IntEnum
from hashlib import blake2b
from typing import Any

import msgspec

from batchconsole.records.families import AnyFamily
from batchconsole.records.families.answers import as_json
from batchconsole.records.files import InputFile
from batchconsole.records.fingerprints import NO_ID
from batchconsole.records.index import Index, Numbers
from batchconsole.records.joining import lines_of
from batchconsole.records.matching import ALONE, index_lines, match
from batchconsole.records.output_lines import Record, read_line

VERSION = 1
NONE = 2**32 - 1  # the position of a record that a job's output does not have
NO_ANSWER = 0
# A fence around the whole answer, as models put it around JSON.
FENCED = re.compile(r"```[a-zA-Z]*\s*\n(.*?)\n?\s*```", re.DOTALL)


class Kind(IntEnum):
    """How the answers to one record compare; the most interesting ones come first."""

    DIFFERENT = 0
    INCOMPLETE = 1  # at least one job has no answer, and the answers of the others agree
    SAME = 2


class Side(msgspec.Struct):
    """One job: its number in the comparison, its output with the stored index of it, and the family of its bodies."""

    number: int
    outputs: list[InputFile]
    index: Index
    family: AnyFamily | None


class Length(msgspec.Struct):
    """How many answers a job gave, and how many characters they have together."""

    answers: int = 0
    characters: int = 0

    @property
    def mean(self) -> int | None:
        """The mean number of characters; ``None`` without answers."""
        return round(self.characters / self.answers) if self.answers else None


class _Packed(msgspec.Struct):
    version: int
    base: bytes
    kinds: bytes
    numbers: list[int]
    places: list[bytes]
    lengths: list[Length]
    strangers: int
    is_by_input: bool


class Compared(msgspec.Struct):
    """How several jobs answer the records of one input.

    ``base`` holds the places of the records: in the input or, if it could not be read, in the output with the most
    records. ``places`` has an array for each job of ``numbers``: where the answer to each record is in its output
    (:data:`NONE` if nowhere). ``strangers`` is the number of output records that answer no record of the base.
    """

    base: Index
    kinds: bytes
    numbers: list[int]
    places: list[Numbers]
    lengths: list[Length]
    strangers: int = 0
    is_by_input: bool = True

    def __len__(self) -> int:
        return len(self.kinds)

    @property
    def is_answered(self) -> bool:
        """Whether some record has an answer."""
        return any(place != NONE for places in self.places for place in places)

    @property
    def has_own_ids(self) -> bool:
        """Whether each record has a recordId of its own."""
        ids = set(self.base.ids)
        return len(ids) == len(self.base) and NO_ID not in ids

    def keys(self) -> Sequence[int]:
        """Return a number for each record that stays the same if the jobs are compared again: by recordId, if any."""
        return self.base.ids if self.has_own_ids else range(len(self))

    def count(self, kind: Kind) -> int:
        return self.kinds.count(kind)

    def ranked(self) -> list[int]:
        """Return all records, those with different answers first, each kind in the order of the input."""
        return sorted(range(len(self)), key=self.kinds.__getitem__)

    def find(self, record_id: str) -> list[int]:
        """Return the records with that id; two ids rarely share a fingerprint."""
        return [place.position for place in self.base.find(record_id)] if record_id else []

    def pack(self) -> bytes:
        """Return the comparison as bytes for storage."""
        places = [each.tobytes() for each in self.places]
        packed = _Packed(
            version=VERSION,
            base=self.base.pack(),
            kinds=self.kinds,
            numbers=self.numbers,
            places=places,
            lengths=self.lengths,
            strangers=self.strangers,
            is_by_input=self.is_by_input,
        )
        return msgspec.msgpack.encode(packed)

    @classmethod
    def unpack(cls, data: bytes) -> "Compared":
        """Restore the comparison from the bytes of :meth:`pack`, on a machine with the same byte order."""
        packed = msgspec.msgpack.decode(data, type=_Packed)
        if packed.version != VERSION:
            raise ValueError(f"This comparison has version {packed.version}; only {VERSION} can be read.")
        places: list[Numbers] = [array("I") for _ in packed.places]
        for numbers, stored in zip(places, packed.places, strict=True):
            numbers.frombytes(stored)
        return cls(
            base=Index.unpack(packed.base),
            kinds=packed.kinds,
            numbers=packed.numbers,
            places=places,
            lengths=packed.lengths,
            strangers=packed.strangers,
            is_by_input=packed.is_by_input,
        )


def compare(
    inputs: list[InputFile] | None, sides: Sequence[Side], *, progress: Callable[[], None] = lambda: None
) -> Compared:
    """Compare the answers of *sides* to each record of *inputs*, which are ``None`` if they cannot be read.

    *progress* is called now and then. Records are joined by recordId or, where ids repeat or are missing, by their
    bodies (see :func:`matching.match`).
    """
    base_files = inputs if inputs is not None else max(sides, key=lambda side: len(side.index)).outputs
    base = index_lines(base_files)
    places: list[Numbers] = []
    digests: list[Numbers] = []
    lengths, strangers = [], 0
    for side in sides:
        progress()
        answers = match(base, side.index, base_files, side.outputs)
        places.append(array("I", (NONE if answer == ALONE else answer for answer in answers)))
        strangers += len(side.index) - sum(answer != ALONE for answer in answers)
        of_outputs, length = _digests(side, progress)
        digests.append(array("q", (NO_ANSWER if answer == ALONE else of_outputs[answer] for answer in answers)))
        lengths.append(length)
    kinds = bytes(_kind(each) for each in zip(*digests, strict=True))
    numbers = [side.number for side in sides]
    return Compared(base, kinds, numbers, places, lengths, strangers, inputs is not None)


def _kind(digests: Sequence[int]) -> Kind:
    answers = {digest for digest in digests if digest != NO_ANSWER}
    if len(answers) > 1:
        return Kind.DIFFERENT
    return Kind.INCOMPLETE if NO_ANSWER in digests else Kind.SAME


def _digests(side: Side, progress: Callable[[], None]) -> tuple[Numbers, Length]:
    """Return the digest of each answer of a job, by its position in the output, and how long its answers are."""
    digests: Numbers = array("q", [NO_ANSWER]) * len(side.index)
    length = Length()
    for position, line in enumerate(lines_of(side.outputs)):
        if position >= len(digests):
            break
        progress()
        record = read_line(line, side.family)
        digests[position] = digest_of(record)
        if not record.is_error:
            length.answers += 1
            length.characters += len(record.answer)
    return digests, length


def digest_of(record: Record) -> int:
    """Return a number that is the same for answers that say the same, :data:`NO_ANSWER` for a failed record."""
    if record.is_error:
        return NO_ANSWER
    said = "\n".join([normalised(record.answer), *(call.name for call in record.calls)])
    digest = blake2b(said.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True) or 1


def normalised(answer: str) -> str:
    """Return *answer* without what makes no difference.

    A JSON object or array is written in one way, whatever its spaces, the order of its members and a code fence around
    it. In other text, the case of letters, the kind and number of spaces, and a full stop at the end do not count.
    """
    text = answer.strip()
    fenced = FENCED.fullmatch(text)
    bare = fenced[1].strip() if fenced else text
    if bare[:1] in ("{", "["):
        try:
            return as_json(_plain(json.loads(bare)))
        except (ValueError, RecursionError):
            pass  # it only looks like JSON
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).rstrip(".")


def _plain(value: Any) -> Any:
    """Return a JSON value with its members sorted, and 1.0 written as 1."""
    if isinstance(value, dict):
        return {name: _plain(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
