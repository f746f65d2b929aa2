"""Read the whole output of a job in one pass, for totals and an index. For single lines, see ``output_lines.py``."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from batchconsole.records import repair
from batchconsole.records.answer_schemas import Fit, Judge, Verdict
from batchconsole.records.asked_schemas import Asked
from batchconsole.records.families import AnyFamily
from batchconsole.records.families.answers import as_json, read_answer
from batchconsole.records.families.base import Answer
from batchconsole.records.files import InputFile
from batchconsole.records.fingerprints import fingerprints
from batchconsole.records.index import NO_TOKENS, Index
from batchconsole.records.lines import Batch, range_batches
from batchconsole.records.output_lines import Record, read_line
from batchconsole.records.parsed_schemas import Schema
from batchconsole.records.plain_lines import plain_decoder
from batchconsole.records.schema_columns import Column, Kind, merged

MAX_GROUPS = 100
MAX_EXAMPLES = 5
MAX_STOP_REASONS = 50
MAX_MESSAGE = 1000
MOST_NOT_PLAIN = 8  # consecutive lines, after which the rest of a batch is not tried as plain
_NUMBER = re.compile(r"\d+")
_ITEM = re.compile(r"\[\d+\]")


class ErrorGroup(msgspec.Struct, kw_only=True):
    """Records that failed with the same code and message, ignoring numbers in the message.

    ``message`` is that of the first record. ``positions`` are the index positions of the first records.
    """

    code: int | str | None
    message: str
    count: int = 0
    record_ids: list[str] = msgspec.field(default_factory=list)
    positions: list[int] = msgspec.field(default_factory=list)


class MisfitGroup(msgspec.Struct, kw_only=True):
    """Answers that do not match their schema at the same path, ignoring positions in lists.

    ``problem`` is that of the first record. ``positions`` are the index positions of the first records.
    """

    path: str
    problem: str
    count: int = 0
    record_ids: list[str] = msgspec.field(default_factory=list)
    positions: list[int] = msgspec.field(default_factory=list)


class Totals(msgspec.Struct, kw_only=True):
    """Totals of all output lines.

    Tokens are summed over the records that have counts; ``without_tokens`` counts succeeded records without any. Input
    tokens exclude those of a prompt cache, as in :class:`~batchconsole.records.families.base.Answer`.

    ``with_schema`` counts the answers whose request has an output schema and the answers that call a strict tool. Those
    neither ``matched`` nor ``mismatched`` could not be judged. ``columns`` are the top-level fields of the schemas.
    """

    records: int = 0
    succeeded: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    without_tokens: int = 0
    stop_reasons: dict[str, int] = msgspec.field(default_factory=dict)
    errors: list[ErrorGroup] = msgspec.field(default_factory=list)
    with_schema: int = 0
    matched: int = 0
    mismatched: int = 0
    misfits: list[MisfitGroup] = msgspec.field(default_factory=list)
    columns: list[Column] = msgspec.field(default_factory=list)


class Scan(msgspec.Struct):
    """The result of one pass over a job's output."""

    totals: Totals
    index: Index


LARGEST_COUNT = 2**63  # what a column of the database holds


class Manifest(msgspec.Struct, kw_only=True, rename="camel"):
    """The counts in Bedrock's ``manifest.json.out``. Missing members are ``None``; unknown ones are ignored."""

    total_record_count: int | None = None
    processed_record_count: int | None = None
    success_record_count: int | None = None
    error_record_count: int | None = None
    input_token_count: int | None = None
    output_token_count: int | None = None


def read_manifest(data: bytes) -> Manifest:
    """Return the manifest's counts: whole numbers, also if written as ``5.0`` or after a byte-order mark.

    Raises ``msgspec.DecodeError`` if *data* is not a JSON object.
    """
    found = msgspec.json.decode(data.removeprefix(repair.BOM), type=dict[str, Any])
    names = zip(Manifest.__struct_fields__, Manifest.__struct_encode_fields__, strict=True)
    return Manifest(**{field: _whole_count(found.get(name)) for field, name in names})


def _whole_count(value: object) -> int | None:
    """Return *value* as a count, ``None`` if it is none: a manifest with one odd member still tells the others."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        return None
    return int(value) if 0 <= value < LARGEST_COUNT else None


def fit_of(record: Record, judge: Judge) -> Fit | None:
    """Say whether the answer of *record* matches the schemas of its request.

    Return ``None`` if there is no schema or no answer, or if the match cannot be judged.
    """
    verdict = None if record.is_error else judge.verdict(_asked(record.raw), record)
    return verdict.fit if verdict else None


def _asked(line: bytes) -> Asked | None:
    """Return the members of the request in an output *line* that may hold a schema."""
    try:
        return _decode_asked(line).model_input
    except repair.BROKEN:
        pass
    try:
        return _decode_asked(as_json(repair.decode_object(line)).encode("utf-8", "replace")).model_input
    except (*repair.BROKEN, ValueError):
        return None


def scan(
    files: Iterable[InputFile],
    family: AnyFamily | None,
    *,
    progress: Callable[[Totals], None] | None = None,
) -> Scan:
    """Read all output *files* once. *progress* is called about once per MiB with the totals so far.

    Memory use is twenty bytes per record, one chunk and a limited number of schemas. Lines that are not records count
    as failed.
    """
    scanner = _Scanner(family)
    for file in files:
        scanner.index.add_file(file.name, file.size)
        for batch in range_batches(file.open(start=0), start=0, end=file.size):
            scanner.read(batch)
            if progress:
                progress(scanner.totals)
    scanner.totals.columns = [Column(name, kind) for name, kind in scanner.columns.items()]
    return Scan(scanner.totals, scanner.index)


class _Scanner:
    """Builds the totals and the index."""

    def __init__(self, family: AnyFamily | None) -> None:
        self.family = family
        self.totals = Totals()
        self.index = Index()
        self.groups: dict[tuple[str, str], ErrorGroup] = {}
        self.judge = Judge()
        self.seen: Schema | None = None
        self.columns: dict[str, Kind] = {}
        self.misfits: dict[str, MisfitGroup] = {}
        self.stops: dict[str, int] = {}
        self.decode_plain = plain_decoder(family)
        self.not_plain = 0

    def read(self, batch: Batch) -> None:
        self.not_plain = 0
        starts: list[int] = []
        ids: list[str] = []
        errors: list[int] = []
        place, position = batch.offset, len(self.index)
        for line in batch.lines:
            counted = self._count(line, position)
            if counted is not None:
                starts.append(place)
                ids.append(counted[0])
                if counted[1]:
                    errors.append(position)
                position += 1
            place += len(line) + 1
        self.index.add(starts, fingerprints(ids), errors)
        self.totals.records += len(starts)
        self.totals.failed += len(errors)
        self.totals.succeeded += len(starts) - len(errors)

    def _count(self, line: bytes, position: int) -> tuple[str, bool] | None:
        """Count a line and return its recordId and whether it is an error; ``None`` for a blank line.

        Most lines are valid and have no error, so the fast path comes first.
        """
        try:
            record, answer = self._quick_look(line)
        except repair.BROKEN:
            line = bytes(line)  # it may be a view into a chunk
            return self._count_closely(line, position) if line.strip() else None
        self._add(answer)
        verdict = self.judge.verdict(record.model_input, answer)
        if verdict is not None:
            self._add_verdict(verdict, record.record_id, position)
        return record.record_id, False

    def _quick_look(self, line: bytes) -> tuple[Any, Answer]:
        """Return a valid line without an error and its answer. Raises one of ``repair.BROKEN`` for other lines.

        After ``MOST_NOT_PLAIN`` consecutive lines that are not plain (tool calls, for example), the plain decoder is
        skipped for the rest of the batch.
        """
        if self.decode_plain and self.not_plain < MOST_NOT_PLAIN:
            try:
                plain = self.decode_plain(line)
            except repair.BROKEN:
                self.not_plain += 1
            else:
                self.not_plain = 0
                return plain, plain.answer()
        record = _decode_good_line(line)
        return record, read_answer(record.model_output)

    def _count_closely(self, line: bytes, position: int) -> tuple[str, bool]:
        record = read_line(line, self.family)
        if record.error_message is not None:
            self._add_error(record, record.error_message, position)
            return record.record_id, True
        self._add(record)
        verdict = self.judge.verdict(_asked(line), record)
        if verdict is not None:
            self._add_verdict(verdict, record.record_id, position)
        return record.record_id, False

    def _add(self, answer: Answer | Record) -> None:
        totals = self.totals
        if answer.input_tokens is None and answer.output_tokens is None:
            totals.without_tokens += 1
        totals.input_tokens += answer.input_tokens or 0
        totals.output_tokens += answer.output_tokens or 0
        totals.cache_read_tokens += answer.cache_read_tokens or 0
        totals.cache_write_tokens += answer.cache_write_tokens or 0
        reason = answer.stop_reason or ""
        if reason in totals.stop_reasons:
            totals.stop_reasons[reason] += 1
        elif len(totals.stop_reasons) < MAX_STOP_REASONS:
            totals.stop_reasons[reason] = 1
            self.stops[reason] = len(totals.stop_reasons)
        self.index.stops.append(self.stops.get(reason, 0))
        tokens = answer.output_tokens
        self.index.tokens.append(NO_TOKENS if tokens is None else min(tokens, NO_TOKENS - 1))

    def _add_verdict(self, verdict: Verdict, record_id: str, position: int) -> None:
        for schema in verdict.schemas:
            if schema is not self.seen:
                self.seen = schema
                merged(self.columns, schema.columns)
        self.totals.with_schema += 1
        fit = verdict.fit
        if fit is None:
            return
        if fit.matches:
            self.totals.matched += 1
            self.index.matches.append(position)
        else:
            self.totals.mismatched += 1
            self.index.mismatches.append(position)
            self._add_misfit(fit, record_id, position)

    def _add_misfit(self, fit: Fit, record_id: str, position: int) -> None:
        path = _ITEM.sub("[#]", fit.path)
        # Problems quote values, so their text is part of the key only at the root, where it names the missing field.
        key = f"{path} {fit.tool} {fit.problem if path == '$' else ''}"
        if key not in self.misfits and len(self.misfits) >= MAX_GROUPS:
            key, path, fit = "", "", Fit(matches=False, problem="Other mismatches")
        if key not in self.misfits:
            self.misfits[key] = MisfitGroup(path=path, problem=fit.problem)
            self.totals.misfits.append(self.misfits[key])
        group = self.misfits[key]
        group.count += 1
        if len(group.positions) < MAX_EXAMPLES:
            group.positions.append(position)
            group.record_ids.append(record_id)

    def _add_error(self, record: Record, message: str, position: int) -> None:
        self.index.stops.append(0)
        self.index.tokens.append(NO_TOKENS)
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


class _GoodLine(msgspec.Struct, rename="camel", gc=False):
    """A line with an answer and no error. Only the parts of its input that may hold an output schema are kept."""

    record_id: str
    model_output: dict[str, Any]
    model_input: Asked | None = None
    error: None = None


class _AskedLine(msgspec.Struct, rename="camel", gc=False):
    model_input: Asked | None = None


_decode_good_line = msgspec.json.Decoder(_GoodLine).decode
_decode_asked = msgspec.json.Decoder(_AskedLine).decode
