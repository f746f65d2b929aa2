"""Finds examples of repeated recordIds.

Repeated ids are known by fingerprint only, so the files are read again until the caller has enough examples.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from batchconsole.records.files import InputFile
from batchconsole.records.fingerprints import fingerprints
from batchconsole.records.lines import batches
from batchconsole.records.report import Example


class _Id(msgspec.Struct, gc=False):
    recordId: Any = None


_decode = msgspec.json.Decoder(_Id).decode


def find_repeated(files: Iterable[InputFile], repeated: set[int]) -> Iterator[Example]:
    """Yield each record whose id occurred before and whose fingerprint is in *repeated*, in the order of the files."""
    first: dict[str, str] = {}
    for file in files:
        for number, record_id in _ids(file):
            if repeated.isdisjoint(fingerprints([record_id])):
                continue
            place = f"line {number} of {file.name}"
            if record_id in first:
                yield Example(
                    file=file.name,
                    line=number,
                    record_id=record_id[:80],
                    path="$.recordId",
                    found=f"also in {first[record_id]}",
                    expected="a recordId of its own",
                )
            else:
                first[record_id] = place


def _ids(file: InputFile) -> Iterator[tuple[int, str]]:
    number = 0
    for batch in batches(file.open(start=0)):
        for line in batch.lines:
            number += 1
            try:
                record_id = _decode(line).recordId
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
            if isinstance(record_id, str):
                yield number, record_id
