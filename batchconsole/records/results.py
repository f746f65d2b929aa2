"""Reading the output of a job: one line for a person, or all lines in one pass for totals and an index.

Output lines are ``{"recordId", "modelInput", "modelOutput"}`` or, for a record that failed, ``"error": {"errorCode",
"errorMessage"}`` instead of ``modelOutput``. Their order is not the input's.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec import NODEFAULT

from batchconsole.records.families import FAMILIES, AnyFamily
from batchconsole.records.families.base import Answer
from batchconsole.records.files import InputFile
from batchconsole.records.fingerprints import fingerprints
from batchconsole.records.index import Index
from batchconsole.records.lines import Batch, batches
from batchconsole.records.recognition import loose_text, recognise_response

MAX_GROUPS = 100
MAX_EXAMPLES = 5
MAX_STOP_REASONS = 50
MAX_MESSAGE = 1000
UNREADABLE = "The output line could not be read."
_NUMBER = re.compile(r"\d+")


class Record(msgspec.Struct, kw_only=True):
    """One output line as a person reads it.

    ``error_message`` is ``None`` for a record that succeeded. Token counts are ``None`` where the family's responses
    carry none. ``raw`` is the line itself.
    """

    record_id: str = ""
    question: str = ""
    answer: str = ""
    stop_reason: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    error_code: int | str | None = None
    error_message: str | None = None
    raw: bytes = b""

    @property
    def is_error(self) -> bool:
        return self.error_message is not None


class ErrorGroup(msgspec.Struct, kw_only=True):
    """Records that failed with the same message, numbers in it aside. ``message`` is the first one's; ``positions`` are
    the first records' in the index.
    """

    code: int | str | None
    message: str
    count: int = 0
    record_ids: list[str] = msgspec.field(default_factory=list)
    positions: list[int] = msgspec.field(default_factory=list)


class Totals(msgspec.Struct, kw_only=True):
    """Sums over all output lines. Tokens are those of the records that carry counts; ``without_tokens`` counts records
    that succeeded and carry none.
    """

    records: int = 0
    succeeded: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    without_tokens: int = 0
    stop_reasons: dict[str, int] = msgspec.field(default_factory=dict)
    errors: list[ErrorGroup] = msgspec.field(default_factory=list)


class Scan(msgspec.Struct):
    """What one pass over a job's output gives."""

    totals: Totals
    index: Index


class Manifest(msgspec.Struct, kw_only=True, rename="camel"):
    """``manifest.json.out``: the counts Bedrock gives; members it does not have are ``None``, others are ignored."""

    total_record_count: int | None = None
    processed_record_count: int | None = None
    success_record_count: int | None = None
    error_record_count: int | None = None
    input_token_count: int | None = None
    output_token_count: int | None = None


class _Error(msgspec.Struct):
    code: Any = msgspec.field(default=None, name="errorCode")
    message: Any = msgspec.field(default=None, name="errorMessage")


class _Line(msgspec.Struct):
    """Any output line that is an object."""

    record_id: Any = msgspec.field(default=None, name="recordId")
    model_input: Any = msgspec.field(default=None, name="modelInput")
    model_output: Any = msgspec.field(default=None, name="modelOutput")
    error: Any = None


_decode_line = msgspec.json.Decoder(_Line).decode
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_manifest(data: bytes) -> Manifest:
    """The manifest's counts; raises ``msgspec.DecodeError`` when *data* is not one JSON object of that shape."""
    return msgspec.json.decode(data, type=Manifest)


def read_line(line: bytes, family: AnyFamily | None) -> Record:
    """*line* as a person reads it. Without a family the body's own looks tell how to read it.

    Never raises: a line that is not JSON comes back as a record with an error message.
    """
    try:
        decoded = _decode_line(line)
    except _BROKEN:
        return Record(error_message=UNREADABLE, raw=line)
    body = decoded.model_input if isinstance(decoded.model_input, dict) else {}
    record = Record(
        record_id=decoded.record_id if isinstance(decoded.record_id, str) else "",
        question=(family.prompt_text(body) if family else "") or loose_text(body),
        raw=line,
    )
    if isinstance(decoded.model_output, dict) and decoded.error is None:
        return _with_answer(record, read_output(decoded.model_output, family))
    record.error_code, record.error_message = _error_of(decoded.error)
    return record


def read_input_line(line: bytes, family: AnyFamily | None) -> Record:
    """An input *line*, which has no answer, as a person reads it. Never raises."""
    record = read_line(line, family)
    return msgspec.structs.replace(record, error_code=None, error_message=None)


def read_output(body: dict[str, Any], family: AnyFamily | None) -> Answer:
    """The answer in a response body; the body's looks decide when *family* is not known or reads nothing out of it."""
    answer = family.read_response(body) if family else Answer()
    name = recognise_response(body) if answer == Answer() else None
    return FAMILIES[name].read_response(body) if name else answer


def _with_answer(record: Record, answer: Answer) -> Record:
    record.answer, record.stop_reason = answer.text, answer.stop_reason
    record.input_tokens, record.output_tokens = answer.input_tokens, answer.output_tokens
    return record


def _error_of(error: Any) -> tuple[int | str | None, str]:
    """Code and message of a line's ``error``, whatever it is."""
    if not isinstance(error, dict):
        return None, error if isinstance(error, str) else "The record has no output."
    code, message = error.get("errorCode"), error.get("errorMessage")
    return code if isinstance(code, int | str) else None, message if isinstance(message, str) else "Unknown error."


def scan(
    files: Iterable[InputFile],
    family: AnyFamily | None,
    *,
    progress: Callable[[Totals], None] | None = None,
) -> Scan:
    """Read all output *files* once; *progress* is called about once a MiB with the totals so far.

    Memory: sixteen bytes a record and one chunk. Lines that are not records count as failed.
    """
    scanner = _Scanner(family)
    for file in files:
        scanner.index.add_file(file.name, file.size)
        for batch in batches(file.open(start=0)):
            scanner.read(batch)
            if progress:
                progress(scanner.totals)
    return Scan(scanner.totals, scanner.index)


class _Scanner:
    """Totals and index under way."""

    def __init__(self, family: AnyFamily | None) -> None:
        self.family = family
        self.totals = Totals()
        self.index = Index()
        self.groups: dict[tuple[str, str], ErrorGroup] = {}
        self.decode = _good_line_decoder(family) if family else None

    def read(self, batch: Batch) -> None:
        starts: list[int] = []
        ids: list[str] = []
        errors: list[int] = []
        place, position = batch.offset, len(self.index)
        for line in batch.lines:
            if not line.isspace() and line:
                record_id, failed = self._count(line, position)
                starts.append(place)
                ids.append(record_id)
                if failed:
                    errors.append(position)
                position += 1
            place += len(line) + 1
        self.index.add(starts, fingerprints(ids), errors)
        self.totals.records += len(starts)
        self.totals.failed += len(errors)
        self.totals.succeeded += len(starts) - len(errors)

    def _count(self, line: bytes, position: int) -> tuple[str, bool]:
        """The line's recordId and whether it is an error. A quick look first, as most lines are plainly good."""
        if self.decode is None or self.family is None:
            return self._count_closely(line, position)
        try:
            record = self.decode(line)
        except _BROKEN:
            return self._count_closely(line, position)
        answer = self.family.answer(record.modelOutput)
        if answer.output_tokens is None and not answer.text:
            return self._count_closely(line, position)
        self._add(answer)
        return record.recordId, False

    def _count_closely(self, line: bytes, position: int) -> tuple[str, bool]:
        record = read_line(line, self.family)
        if record.error_message is not None:
            self._add_error(record, record.error_message, position)
            return record.record_id, True
        self._add(record)
        return record.record_id, False

    def _add(self, answer: Answer | Record) -> None:
        totals = self.totals
        if answer.input_tokens is None and answer.output_tokens is None:
            totals.without_tokens += 1
        totals.input_tokens += answer.input_tokens or 0
        totals.output_tokens += answer.output_tokens or 0
        reason = answer.stop_reason or ""
        if reason in totals.stop_reasons or len(totals.stop_reasons) < MAX_STOP_REASONS:
            totals.stop_reasons[reason] = totals.stop_reasons.get(reason, 0) + 1

    def _add_error(self, record: Record, message: str, position: int) -> None:
        key = (str(record.error_code), _NUMBER.sub("#", message[:MAX_MESSAGE]))
        if key not in self.groups and len(self.groups) >= MAX_GROUPS:
            key, record.error_code, message = ("", ""), None, "Other errors"
        if key not in self.groups:
            self.groups[key] = ErrorGroup(code=record.error_code, message=message[:MAX_MESSAGE])
            self.totals.errors.append(self.groups[key])
        group = self.groups[key]
        group.count += 1
        if len(group.positions) < MAX_EXAMPLES:
            group.positions.append(position)
            group.record_ids.append(record.record_id)


def _good_line_decoder(family: AnyFamily) -> Callable[[bytes], Any]:
    """Decodes lines that have an answer and no error, and skips their input."""
    fields: list[tuple[str, Any, Any]] = [
        ("recordId", str, NODEFAULT),
        ("modelOutput", family.response, NODEFAULT),
        ("error", None, None),
    ]
    return msgspec.json.Decoder(msgspec.defstruct("GoodLine", fields, gc=False)).decode
