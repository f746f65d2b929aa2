"""A preview of an object's first bytes: JSONL as records, other text as text, nothing for binary data."""

from dataclasses import dataclass, field, replace

from batchconsole.aws.errors import AwsError
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.s3.storage import S3Object, Storage
from batchconsole.records import repair
from batchconsole.records.output_lines import read_line
from batchconsole.records.pretty import lay_out
from batchconsole.records.recognition import recognise_line
from batchconsole.records.wording import invalid_json

READ_BYTES = 256 * 1024
MOST_RECORDS = 20
MOST_CHARACTERS = 5000  # in an answer or an error message
RECORDS, TEXT, BINARY = "records", "text", "binary"
RECORD_SUFFIXES = (".jsonl", ".jsonl.out", ".jsonl.err")


@dataclass(frozen=True)
class PreviewRecord:
    """One line: its number starting at 1, its record id if any, and its content; ``error`` if it is not valid JSON.

    ``kind`` is the type of the line; ``answer`` and ``failure`` are the contents of an output line.
    """

    number: int
    record_id: str
    text: str
    error: str = ""
    kind: str = ""
    answer: str = ""
    failure: str = ""


@dataclass(frozen=True)
class Preview:
    """The content of a preview. ``is_part`` means that the object has more."""

    kind: str
    records: list[PreviewRecord] = field(default_factory=list)
    text: str = ""
    is_part: bool = False
    error: AwsError | UserError | None = None


def preview(storage: Storage, bucket: str, item: S3Object, *, version_id: str = "") -> Preview:
    """Read and format the first bytes of *item*; the preview has the error if that fails."""
    if not item.size:
        return Preview(TEXT)
    try:
        data = storage.read_range(bucket, item.key, end=min(item.size, READ_BYTES), version_id=version_id)
    except (AwsError, UserError) as error:
        return Preview(TEXT, error=error)
    is_part = item.size > len(data)
    if item.key.endswith(RECORD_SUFFIXES):
        return _records(data, is_part=is_part)
    return _text(data, is_part=is_part)


def _records(data: bytes, *, is_part: bool) -> Preview:
    lines = data.split(b"\n")
    if is_part:
        lines = lines[:-1]  # the last line may be incomplete
    if not lines:
        return _text(data, is_part=is_part)
    filled = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    shown = [_record(number, line) for number, line in filled[:MOST_RECORDS]]
    return Preview(RECORDS, records=shown, is_part=is_part or len(filled) > MOST_RECORDS)


def _record(number: int, line: bytes) -> PreviewRecord:
    laid = lay_out(line)
    text = f"{laid.text} …" if laid.is_cut else laid.text
    try:
        value = repair.decode_object(line)
    except ValueError as error:
        problem = "" if line.lstrip().startswith(b"[") else invalid_json(number, error)
        return PreviewRecord(number, repair.record_id(line), text, problem)
    record_id = value.get("recordId") or value.get("custom_id")
    made = PreviewRecord(number, record_id if isinstance(record_id, str) else "", text, kind=recognise_line(value))
    return _answered(made, line) if made.kind.endswith("answer") else made


def _answered(record: PreviewRecord, line: bytes) -> PreviewRecord:
    """Return *record* with the answer and the error of its output *line*."""
    read = read_line(line, None)
    code = "" if read.error_code is None else f"{read.error_code}: "
    failure = f"{code}{read.error_message}" if read.error_message is not None else ""
    return replace(record, answer=read.answer[:MOST_CHARACTERS], failure=failure[:MOST_CHARACTERS])


def _text(data: bytes, *, is_part: bool) -> Preview:
    if b"\0" in data:
        return Preview(BINARY)
    try:
        text = data.decode(errors="ignore" if is_part else "strict")  # a cut may split a character
    except UnicodeDecodeError:
        return Preview(BINARY)
    return Preview(TEXT, text=text, is_part=is_part)
