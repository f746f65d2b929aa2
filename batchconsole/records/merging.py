"""Merge files of records into one input. Records keep their order and their bytes, apart from prefixed recordIds.

The files are read twice: once to compare the recordIds, with eight bytes per record, and once to write the records.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from batchconsole.records.duplicates import find_repeated
from batchconsole.records.families import FAMILIES
from batchconsole.records.files import InputFile
from batchconsole.records.fingerprints import Fingerprints
from batchconsole.records.recognition import recognise, recognise_line
from batchconsole.records.splitting import numbered_lines

EXAMPLES = 3
MAX_REPEATED = 1_000  # repeated fingerprints to look up for examples
FIRST_LINES = 50  # to look at for a format; a line may be blank or broken
UNSAFE = re.compile(r"[^-_.a-zA-Z0-9]+")

_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.encode


class CannotMerge(ValueError):
    """The files do not belong together; ``str(error)`` says why, ``hint`` what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class MergedRecord(NamedTuple):
    """A record as a line with its line end."""

    line: bytes


def formats_of(name: str, head: bytes) -> frozenset[str]:
    """Return the families that the first record of the file *name* may be for; empty if its format is not known.

    *head* is the beginning of the file. Raises :class:`CannotMerge` if it holds no batch record.
    """
    for line in islice((line for line in head.split(b"\n") if line.strip()), FIRST_LINES):
        try:
            record = msgspec.json.decode(line.removeprefix(b"\xef\xbb\xbf"))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if isinstance(record, dict) and recognise_line(record) == "Amazon Bedrock record":
            body: Any = record["modelInput"]
            return frozenset(recognise(body)) if isinstance(body, dict) else frozenset()
        break
    raise CannotMerge(
        f"{name} does not begin with a record of Amazon Bedrock.", "Leave this file out, or make input from it."
    )


def common_formats(formats: dict[str, frozenset[str]]) -> frozenset[str]:
    """Return the families that all files may be for, by their names; empty if no file's format is known.

    Raises :class:`CannotMerge` if two files have different formats.
    """
    known = {name: found for name, found in formats.items() if found}
    common: frozenset[str] | None = None
    for name, found in known.items():
        if common is not None and not common & found:
            apart = (each for each, theirs in known.items() if not theirs & found)
            other = next(apart, next(iter(known)))  # three files may agree two by two and not together
            raise CannotMerge(
                f"{other} has the format {_titles(known[other])} and {name} has {_titles(found)}.",
                "A job takes records of one format. Merge the files of each format by themselves.",
            )
        common = found if common is None else common & found
    return common or frozenset()


def _titles(names: Iterable[str]) -> str:
    return " or ".join(sorted(FAMILIES[name].title for name in names if name in FAMILIES))


def require_distinct(
    files: Sequence[InputFile],
    *,
    prefixes: bool,
    progress: Callable[[int], None],
    look: Callable[[bytes, str], object] = lambda line, place: None,
) -> None:
    """Raise :class:`CannotMerge` if recordIds repeat, unless *prefixes* of the files will tell them apart.

    *look* gets each record with the name of its place, *progress* the number of bytes of each read.
    """
    seen = Fingerprints()
    for file in files:
        for line, number in numbered_lines(file, progress):
            look(line, f"Line {number} of {file.name}")
            record_id = _id_of(line)
            if record_id:
                seen.add([record_id])
    count, repeated = seen.repeated(limit=MAX_REPEATED)
    if count and not prefixes:
        examples = islice(find_repeated(files, repeated), EXAMPLES)
        named = "; ".join(f"{each.record_id} (line {each.line} of {each.file}, {each.found})" for each in examples)
        raise CannotMerge(
            f"{count:,} record{' repeats a recordId' if count == 1 else 's repeat recordIds'}: {named}.",
            "Answers are told apart by recordId. Choose to prefix each recordId with the name of its file.",
        )


def _id_of(line: bytes) -> str:
    try:
        record = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        record_id = msgspec.json.decode(record["recordId"])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError):
        return ""
    return record_id if isinstance(record_id, str) else ""


def merge(
    files: Sequence[InputFile],
    *,
    prefixes: bool,
    progress: Callable[[int], None],
    moved: Callable[[bytes], bytes] = lambda line: line,
) -> Iterator[MergedRecord]:
    """Yield the records of *files* in order; with *prefixes*, each recordId begins with the name of its file.

    *moved* gets each record and returns what to write.
    """
    for file, prefix in zip(files, prefixes_of(files), strict=True):
        for read, _ in numbered_lines(file, progress):
            line = moved(read)
            yield MergedRecord((_prefixed(line, prefix) if prefixes else line) + b"\n")


def prefixes_of(files: Sequence[InputFile]) -> list[str]:
    """Return a prefix for each file: its name without folder and ending, with a number where names are equal."""
    found: list[str] = []
    for number, file in enumerate(files, 1):
        stem = UNSAFE.sub("-", file.name.rpartition("/")[2].removesuffix(".jsonl"))
        found.append(f"{stem}-{number}-" if f"{stem}-" in found else f"{stem}-")
    return found


def _prefixed(line: bytes, prefix: str) -> bytes:
    """Return *line* with the prefix in its recordId; a line without a text as recordId stays as it is."""
    record_id = _id_of(line)
    if not record_id:
        return line
    members = _decode_members(line)
    members["recordId"] = msgspec.Raw(_encode(prefix + record_id))
    return _encode(members)
