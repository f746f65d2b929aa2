"""Count the objects that the records of an input refer to: which record refers to which, and what copies take."""

import re
from array import array
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from batchconsole.records.families import AnyFamily
from batchconsole.records.media import MediaRefused, Reference, is_below, media_of

MOST_OBJECTS = 100_000  # some 30 MB of memory; S3 copies so many in about half an hour
MOST_BYTES = 2**40  # of copies: about 23 USD a month in S3
EXAMPLES = 3
OBJECT_URI = re.compile(r"s3://[a-z0-9][.\-a-z0-9]{1,61}[a-z0-9]/(?:.*[^/])", re.DOTALL)
DIVIDE = "Divide the .jsonl files among folders, each with its media, and create a job for each folder."


class Copies(NamedTuple):
    """How many objects are copied, and their size in bytes."""

    objects: int
    bytes: int


class Census:
    """Counts the objects that records refer to, record by record, with sixteen bytes for each reference.

    ``places`` tells of each URI which record refers to it first.
    """

    def __init__(self, family: AnyFamily | None) -> None:
        self.family = family
        self.places: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._records = array("q")
        self._objects = array("q")
        self._count = 0

    def look(self, line: bytes, place: str) -> list[Reference]:
        """Count the next record, which *place* names, and return its references. Raises :class:`MediaRefused`."""
        found = media_of(line, self.family)
        for each in found:
            number = self._numbers.setdefault(each.uri, len(self._numbers))
            self.places.setdefault(each.uri, place)
            self._records.append(self._count)
            self._objects.append(number)
        self._count += 1
        if len(self.places) > MOST_OBJECTS:
            raise MediaRefused(
                f"The records refer to more than {MOST_OBJECTS:,} objects in S3, more than can be copied at once.",
                DIVIDE,
            )
        return found

    def require_uris(self) -> None:
        """Raise :class:`MediaRefused` if records refer to what is no object in S3."""
        odd = [uri for uri in self.places if not OBJECT_URI.fullmatch(uri)]
        self._refuse(odd, "is no URI of an object in S3", "Write it as s3://bucket/key.")

    def require_below(self, folder: str) -> None:
        """Raise :class:`MediaRefused` if records refer to objects outside *folder*, the input location."""
        outside = [uri for uri in self.places if not is_below(uri, folder)]
        hint = "Choose as input the folder that holds everything."
        self._refuse(outside, f"is not below the input location {folder}", hint)

    def require_found(self, found: Mapping[str, object]) -> None:
        """Raise :class:`MediaRefused` if records refer to objects that are not among *found*, by URI."""
        missing = [uri for uri in self.places if uri not in found]
        self._refuse(missing, "does not exist in S3", "Upload the objects, or correct the records.")

    def _refuse(self, uris: Sequence[str], why: str, hint: str) -> None:
        if not uris:
            return
        named = "; ".join(f"{self.places[uri]} refers to {uri}" for uri in islice(uris, EXAMPLES))
        rest = f" There are {len(uris):,} such URIs." if len(uris) > EXAMPLES else ""
        raise MediaRefused(f"{named}, which {why}.{rest}", hint)

    def copies(self, cuts: Sequence[int], sizes: Mapping[str, int]) -> Copies:
        """Return what is copied if each part that ends at one of *cuts* gets each of its objects once.

        Raises :class:`MediaRefused` if that is too much.
        """
        by_number = [sizes[uri] for uri in self._numbers]
        objects = size = position = 0
        for end in cuts:
            used = set()
            while position < len(self._records) and self._records[position] < end:
                used.add(self._objects[position])
                position += 1
            objects, size = objects + len(used), size + sum(by_number[number] for number in used)
        return bounded(objects, size)


def bounded(objects: int, size: int) -> Copies:
    """Return copies of so many *objects* with *size* bytes. Raises :class:`MediaRefused` if that is too much."""
    if objects > MOST_OBJECTS or size > MOST_BYTES:
        raise MediaRefused(
            f"{objects:,} media objects with {size:,} bytes would be copied, and at most {MOST_OBJECTS:,} objects "
            f"with {MOST_BYTES:,} bytes are.",
            DIVIDE,
        )
    return Copies(objects, size)
