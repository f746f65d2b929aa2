"""Read and count the records of a file or a part of it: the hot loop of the input check."""

from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
from msgspec import NODEFAULT, UNSET

from batchconsole.records.families.schema import QuickLook
from batchconsole.records.files import InputFile
from batchconsole.records.fingerprints import Fingerprints
from batchconsole.records.inspection import UNREADABLE, CheckTarget, Inspector
from batchconsole.records.lines import Batch, range_batches
from batchconsole.records.report import MAX_EXAMPLES, Example, Finding, Problems
from batchconsole.records.sniffing import BOM


class Part(msgspec.Struct, kw_only=True):
    """The counts of a part of the input. Line numbers in ``problems`` start at the beginning of the part.

    ``characters`` and ``media`` measure the prompts. ``max_tokens`` is the sum of the output limits that records set;
    ``unbounded`` counts the records without a limit. ``objects`` holds the URIs of the media in S3.
    """

    lines: int = 0
    bytes: int = 0
    records: int = 0
    records_with_errors: int = 0
    characters: int = 0
    media: int = 0
    max_tokens: int = 0
    unbounded: int = 0
    objects: set[str] = msgspec.field(default_factory=set)
    fingerprints: Fingerprints = msgspec.field(default_factory=Fingerprints)
    problems: Problems = msgspec.field(default_factory=Problems)

    def merge(self, other: "Part", *, lines_before: int = 0) -> None:
        """Add another part, which starts after *lines_before* lines of its file."""
        self.problems.merge(other.problems, lines_before=lines_before)
        self.fingerprints.merge(other.fingerprints)
        self.objects |= other.objects
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))


SUMS = ("lines", "bytes", "records", "records_with_errors", "characters", "media", "max_tokens", "unbounded")


def scan(
    file: InputFile,
    target: CheckTarget,
    *,
    start: int = 0,
    end: int | None = None,
    progress: Callable[[Part], None] | None = None,
) -> Part:
    """Check and count the records that start in ``[start, end)`` of *file*; call *progress* about once per MiB."""
    end = file.size if end is None else end
    part, scanner = Part(), _Scanner(file.name, target)
    for batch in range_batches(file.open(start=max(start - 1, 0)), start=start, end=end):
        scanner.read(without_mark(batch), part)
        part.bytes = min(batch.end, end) - start
        if progress:
            progress(part)
    return part


def without_mark(batch: Batch) -> Batch:
    """Return *batch* without a byte-order mark, which is reported separately and would hide other errors."""
    if batch.offset or not batch.lines[0].startswith(BOM):
        return batch
    return batch._replace(lines=[batch.lines[0].removeprefix(BOM), *batch.lines[1:]])


@cache
def _line_decoder(body: Any) -> Callable[[bytes], Any]:
    """Return a decoder for lines with a ``modelInput`` of type *body*, an optional recordId and nothing else."""
    fields: list[tuple[str, Any, Any]] = [("modelInput", body, NODEFAULT), ("recordId", str | msgspec.UnsetType, UNSET)]
    line = msgspec.defstruct("Line", fields, forbid_unknown_fields=True, gc=False)
    return msgspec.json.Decoder(line).decode


def _measure_unknown(body: dict[str, Any]) -> tuple[int, int | None]:
    return len(msgspec.json.encode(body)), None


class _Scanner:
    """Reads batches of one file. Each line gets a quick look; lines with possible faults get a close one."""

    def __init__(self, file: str, target: CheckTarget) -> None:
        self.file = file
        self.inspector = Inspector(target)
        family = self.inspector.family
        self.decode = _line_decoder((family.plain or family.body) if family else dict[str, Any])
        self.measure: QuickLook = family.quick_look(self.inspector.context) if family else _measure_unknown

    def read(self, batch: Batch, part: Part) -> None:
        """Add the counts of *batch* to *part*."""
        decode, measure, unset = self.decode, self.measure, UNSET
        ids: list[str] = []
        without_id: list[int] = []
        odd: list[int] = []
        characters = max_tokens = unbounded = 0
        for place, line in enumerate(batch.lines):
            try:
                record = decode(line)
                size = measure(record.modelInput)
            except UNREADABLE:
                size = None
            if size is None:
                odd.append(place)
                continue
            if record.recordId is unset:
                without_id.append(place)
            elif record.recordId and not record.recordId.isspace():
                ids.append(record.recordId)
            else:
                odd.append(place)
                continue
            characters += size[0]
            if size[1] is None:
                unbounded += 1
            else:
                max_tokens += size[1]
        part.records += len(batch.lines) - len(odd)
        part.characters += characters
        part.max_tokens += max_tokens
        part.unbounded += unbounded
        for place in odd:
            self._look(batch, place, part, ids, without_id)
        self._add_without_id([part.lines + place + 1 for place in without_id], part)
        part.fingerprints.add(ids)
        part.lines += len(batch.lines)

    def _look(self, batch: Batch, place: int, part: Part, ids: list[str], without_id: list[int]) -> None:
        """Inspect one line closely and count it."""
        number, line = part.lines + place + 1, bytes(batch.lines[place])
        seen = self.inspector.look(line, file=self.file, number=number, cut=batch.cut)
        for finding in seen.findings:
            part.problems.add(finding)
        part.records += seen.is_record
        part.objects.update(seen.media)
        if seen.is_record:
            part.records_with_errors += any(finding.severity == "error" for finding in seen.findings)
        if seen.record_id is not None:
            ids.append(seen.record_id)
        elif seen.lacks_id:
            without_id.append(place)
        if seen.size is not None:
            part.characters += seen.size.characters
            part.media += seen.size.media
            part.max_tokens += seen.size.max_tokens or 0
            part.unbounded += seen.size.max_tokens is None

    def _add_without_id(self, numbers: list[int], part: Part) -> None:
        """Add findings for lines without an id, but only as many as can become examples; just count the others."""
        for number in numbers[:MAX_EXAMPLES]:
            part.problems.add(without_id(self.file, number))
        if len(numbers) > MAX_EXAMPLES:
            part.problems.add(without_id(self.file, numbers[MAX_EXAMPLES]), count=len(numbers) - MAX_EXAMPLES)


def without_id(file: str, number: int) -> Finding:
    example = Example(file=file, line=number, path="$.recordId", found="nothing", expected="a recordId")
    message = "Records have no recordId. Bedrock makes one up, which is hard to join with the input."
    return Finding(code="without-record-id", severity="warning", message=message, example=example)
