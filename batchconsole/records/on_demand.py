"""Records that are sent to a model one by one: reading them from a job's input, and their lines of output.

Output lines and the manifest have the format of a batch job's output, so that the same code reads both. Calls no model.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec

from batchconsole.records.files import InputFile
from batchconsole.records.lines import MAX_LINE_BYTES, batches
from batchconsole.records.output_lines import read_line
from batchconsole.records.repair import BOM, has_lone_surrogate
from batchconsole.records.results import Manifest

BAD_REQUEST = 400
NOT_A_RECORD = "The line is not a JSON object with a modelInput that is an object."
TOO_LONG = f"The line is longer than {MAX_LINE_BYTES >> 20} MB."


class Record(msgspec.Struct, frozen=True):
    """One line of the input. ``place`` counts the records of all files from 0; ``problem`` says why it can't be sent.

    ``record_id`` is JSON, as in the file, or made from the place if the record has none.
    """

    place: int
    file: str
    record_id: bytes
    body: bytes
    problem: str = ""


class _Envelope(msgspec.Struct):
    modelInput: msgspec.Raw
    recordId: msgspec.Raw = msgspec.Raw(b"null")


class _Line(msgspec.Struct, omit_defaults=True):
    """An output line; the first two members and one of the others are set."""

    recordId: msgspec.Raw
    modelInput: msgspec.Raw
    modelOutput: Any = msgspec.UNSET
    error: Any = msgspec.UNSET


_decode = msgspec.json.Decoder(_Envelope).decode


def read_records(files: Iterable[InputFile], *, limit: int | None = None) -> Iterator[Record]:
    """Yield the records of *files* in order, without blank lines, at most *limit*. Raises what reading raises."""
    return islice(_records(files), limit)


def _records(files: Iterable[InputFile]) -> Iterator[Record]:
    place = 0
    for file in files:
        for batch in batches(file.open(start=0)):
            for number, line in enumerate(batch.lines):
                content = line.removeprefix(BOM) if batch.offset == number == 0 else line
                if content.strip():
                    yield _record(place, file.name, content.strip(), cut=batch.cut)
                    place += 1


def _record(place: int, file: str, line: bytes, *, cut: bool) -> Record:
    made_id = b'"REC%08d"' % (place + 1)
    if cut:
        return Record(place, file, made_id, b"null", TOO_LONG)
    try:
        line.decode()
        found = _decode(line) if not has_lone_surrogate(line) else _decode_loosely(line)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Record(place, file, made_id, b"null", NOT_A_RECORD)
    given, body = bytes(found.recordId), bytes(found.modelInput)
    problem = "" if body.startswith(b"{") else NOT_A_RECORD
    return Record(place, file, made_id if given == b"null" else given, body, problem)


def _decode_loosely(line: bytes) -> _Envelope:
    """Decode a line with an escaped lone surrogate, which is legal JSON (RFC 8259, section 8.2), but not to msgspec."""
    found = json.loads(line)
    if not isinstance(found, dict) or "modelInput" not in found:
        raise ValueError(NOT_A_RECORD)
    return _Envelope(_dumped(found["modelInput"]), _dumped(found.get("recordId")))


def _dumped(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def answered_line(record: Record, answer: bytes) -> bytes:
    """Return the output line, with its line feed, of a *record* whose model answered with the JSON *answer*.

    Raises ``msgspec.DecodeError`` if *answer* is not JSON.
    """
    msgspec.json.decode(answer)
    output = msgspec.json.format(answer, indent=-1) if b"\n" in answer else answer
    return _encoded(_Line(_raw(record.record_id), _raw(record.body), modelOutput=_raw(output)))


def failed_line(record: Record, code: int, message: str) -> bytes:
    """Return the output line, with its line feed, of a *record* that was refused; *code* is an HTTP status."""
    error = {"errorCode": code, "errorMessage": message}
    return _encoded(_Line(_raw(record.record_id), _raw(record.body), error=error))


def _raw(value: bytes) -> msgspec.Raw:
    return msgspec.Raw(value)


def _encoded(line: _Line) -> bytes:
    return msgspec.json.encode(line) + b"\n"


class Tally(msgspec.Struct):
    """The counts of output lines; tokens as the answers state them."""

    records: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def add(self, line: bytes) -> None:
        """Count one output line."""
        record = read_line(line, None)
        self.records += 1
        self.errors += record.is_error
        self.input_tokens += record.input_tokens or 0
        self.output_tokens += record.output_tokens or 0

    def manifest(self, total: int) -> bytes:
        """Return the content of ``manifest.json.out`` for a job of *total* records."""
        said = Manifest(
            total_record_count=total,
            processed_record_count=self.records,
            success_record_count=self.records - self.errors,
            error_record_count=self.errors,
            input_token_count=self.input_tokens,
            output_token_count=self.output_tokens,
        )
        return msgspec.json.encode(said) + b"\n"
