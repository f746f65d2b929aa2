"""Inspects one line: every problem in words, with its path, what was found and what was expected."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from batchconsole.records.families import FAMILIES, AnyFamily, family_for
from batchconsole.records.families.faults import Fault, field_path, from_validation_error, shown
from batchconsole.records.families.paths import value_at
from batchconsole.records.families.schema import Context, Size
from batchconsole.records.foreign import foreign_line
from batchconsole.records.media import is_below
from batchconsole.records.recognition import recognise
from batchconsole.records.report import Example, Finding
from batchconsole.records.wording import NOT_THE_MODELS, expected_words, message_of

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
MAX_FAULTS = 8  # per record
EXCERPT = 80
INPUT = "$.modelInput"
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
SURROGATE_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")


class CheckTarget(msgspec.Struct, frozen=True, kw_only=True):
    """The target of a check: model, invocation type and, to check media in S3, the location of the job's input.

    ``objects`` holds the sizes in bytes of all objects there by URI; ``None`` if they are not known.
    """

    model_id: str
    invocation_type: str
    input_s3_uri: str = ""
    objects: dict[str, int] | None = None


class Seen(msgspec.Struct, kw_only=True):
    """The result for one line. ``size`` is ``None`` if the body does not match its family.

    ``media`` holds the URIs of the objects at the input location that the record refers to.
    """

    findings: list[Finding] = msgspec.field(default_factory=list)
    media: list[str] = msgspec.field(default_factory=list)
    is_record: bool = True
    lacks_id: bool = False
    record_id: str | None = None
    size: Size | None = None


class Inspector:
    """Inspects lines for one target."""

    def __init__(self, target: CheckTarget) -> None:
        self.target = target
        self.context = Context.of(target.model_id)
        self.family: AnyFamily | None = family_for(target.model_id, target.invocation_type)

    def look(self, line: bytes, *, file: str, number: int, cut: bool = False) -> Seen:
        """Inspect *line*, number *number* of *file*; never raises. *cut* says that it is only a line's beginning."""
        seen = Seen()
        faults = [_too_long(line)] if cut else self._faults(line, seen)
        seen.findings = [self._finding(fault, file=file, number=number, record_id=seen.record_id) for fault in faults]
        return seen

    def _finding(self, fault: Fault, *, file: str, number: int, record_id: str | None) -> Finding:
        example = Example(
            file=file,
            line=number,
            record_id=(record_id or "")[:EXCERPT],
            path=field_path(fault),
            found=(fault.excerpt or fault.found)[:EXCERPT],
            expected=expected_words(fault),
        )
        return Finding(
            code=fault.code,
            severity=fault.severity,
            message=message_of(fault),
            example=example,
            bedrock_says=self._bedrock_says(fault),
        )

    def _bedrock_says(self, fault: Fault) -> str:
        """Return Bedrock's message for a fault of the body, if it is known."""
        unknown = fault.code in NOT_THE_MODELS or (fault.kind == "rule" and not fault.refusal)
        if self.family is None or unknown or fault.severity != "error" or not fault.path.startswith(INPUT):
            return ""
        return self.family.word(msgspec.structs.replace(fault, path="$" + fault.path.removeprefix(INPUT)))

    def _faults(self, line: bytes, seen: Seen) -> list[Fault]:
        if not line.strip():
            seen.is_record = False
            return [_envelope("blank-line", found="a blank line", expected="one JSON object a line")]
        try:
            record = msgspec.json.decode(line)
        except UnicodeDecodeError:
            return [_envelope("invalid-utf-8", found=_excerpt(line), expected="valid UTF-8")]
        except (msgspec.DecodeError, RecursionError) as error:
            if half := lone_surrogate(line):
                return [_envelope("lone-surrogate", found=half, expected="both halves, or another character")]
            return [_envelope("invalid-json", found=_excerpt(line), expected=f"valid JSON ({error})")]
        if not isinstance(record, dict):
            return [_envelope("not-an-object", found=_excerpt(line), expected="a JSON object")]
        return [*self._envelope_faults(record, seen), *self._input_faults(record, seen)]

    def _envelope_faults(self, record: dict[str, Any], seen: Seen) -> Iterator[Fault]:
        record_id = record.get("recordId")
        if isinstance(record_id, str):
            seen.record_id = record_id
            if not record_id.strip():
                yield _envelope(
                    "blank-record-id",
                    path="$.recordId",
                    found="a blank recordId",
                    expected="a recordId of its own",
                    severity="warning",
                )
        elif "recordId" in record:
            yield Fault(
                kind="type", code="record-id-type", path="$.recordId", excerpt=shown(record_id), expected="a string"
            )
        seen.lacks_id = "recordId" not in record and "modelInput" in record
        for name in record.keys() - {"recordId", "modelInput"} if "modelInput" in record else ():
            yield _envelope(
                "extra-member",
                path=f"$.{name}",
                found=f"the member {name}",
                expected="only recordId and modelInput",
                severity="warning",
            )

    def _input_faults(self, record: dict[str, Any], seen: Seen) -> Iterator[Fault]:
        body = record.get("modelInput")
        if "modelInput" not in record:
            yield _without_input(record)
        elif not isinstance(body, dict):
            yield Fault(kind="type", code="model-input-type", path=INPUT, excerpt=shown(body), expected="a JSON object")
        elif self.family is not None:
            for fault in self._body_faults(self.family, body, seen):
                yield msgspec.structs.replace(fault, path=INPUT + fault.path[1:])

    def _body_faults(self, family: AnyFamily, body: dict[str, Any], seen: Seen) -> Iterator[Fault]:
        stranger = _stranger(family, body)
        faults, parsed = _schema_faults(family, body)
        if faults and stranger:
            yield self._wrong_family(family, stranger)
            return
        if parsed is not None:
            seen.size = family.size(parsed)
            faults += family.faults(parsed, self.context)
            faults += self._media_faults(family, parsed, seen)
        yield from faults[:MAX_FAULTS]

    def _wrong_family(self, family: AnyFamily, stranger: AnyFamily) -> Fault:
        who = (
            "the model invocation type Converse" if self.target.invocation_type == "Converse" else self.target.model_id
        )
        looks = f"{_article(stranger.title)} body"
        return Fault(
            kind="rule",
            code="wrong-family",
            found=looks,
            expected=f"{_article(family.title)} body",
            message=f"This looks like {looks}, but {who} expects the {family.title} format.",
        )

    def _media_faults(self, family: AnyFamily, parsed: Any, seen: Seen) -> Iterator[Fault]:
        folder, objects = self.target.input_s3_uri, self.target.objects
        for path, uri in family.media(parsed) if folder else ():
            if not is_below(uri, folder):
                yield Fault(
                    kind="rule", code="media-elsewhere", path=path, found=uri, expected=f"a place below {folder}"
                )
            elif objects is not None and uri not in objects:
                yield Fault(kind="rule", code="media-missing", path=path, found=uri, expected="an object that exists")
            else:
                seen.media.append(uri)


def lone_surrogate(line: bytes) -> str:
    """Return the first lone half of a surrogate pair in a line of otherwise valid JSON; empty if there is none.

    A lone half is legal JSON (RFC 8259, section 8.2) but not text, so UTF-8 decoders refuse it.
    """
    if not SURROGATE.search(line):
        return ""
    rest = SURROGATE_PAIR.sub(b"", line)
    half = SURROGATE.search(rest)
    return half[0].decode() if half else ""


def _envelope(code: str, *, found: str, expected: str, path: str = "", severity: Any = "error") -> Fault:
    return Fault(kind="rule", code=code, path=path, found=found, expected=expected, severity=severity)


def _too_long(line: bytes) -> Fault:
    return _envelope("line-too-long", found=_excerpt(line), expected=f"a line of at most {len(line)} bytes")


def _without_input(record: dict[str, Any]) -> Fault:
    """Explain a missing modelInput: a line of another batch format, a bare body, or simply no such member."""
    foreign = foreign_line(record)
    if foreign:
        looks = f"{_article(foreign.title)} line"
        message = f"This looks like {looks}, but Bedrock expects recordId and modelInput. Such lines can be converted."
        return Fault(kind="rule", code="foreign-line", found=looks, expected="recordId and modelInput", message=message)
    names = recognise(record)
    if names:
        looks = f"{_article(FAMILIES[names[0]].title)} body"
        message = f"This looks like {looks} by itself. It belongs inside the member modelInput of a record."
        return Fault(kind="rule", code="bare-body", found=looks, expected="modelInput", message=message)
    return Fault(kind="missing", code="missing-field", name="modelInput", found="nothing", expected="modelInput")


def _schema_faults(family: AnyFamily, body: dict[str, Any]) -> tuple[list[Fault], Any]:
    """Return the faults that the family's types show, and the parsed body if it matches them.

    msgspec stops at the first fault. Unknown fields may hide others, so each is removed and the body is parsed again.
    """
    faults: list[Fault] = []
    while len(faults) < MAX_FAULTS:
        try:
            return faults, family.parse(body)
        except msgspec.ValidationError as error:
            fault = from_validation_error(error, body, family.body)
        faults.append(fault)
        if fault.kind != "unknown" or not _take_out(body, fault):
            break
    return faults, None


def _take_out(body: Any, fault: Fault) -> bool:
    holder = value_at(body, fault.path)
    return isinstance(holder, dict) and holder.pop(fault.name, msgspec.UNSET) is not msgspec.UNSET


def _stranger(family: AnyFamily, body: dict[str, Any]) -> AnyFamily | None:
    """Return the family that *body* looks like, if it is a different one."""
    names = recognise(body)
    return FAMILIES[names[0]] if names and not {family.name, *family.like} & set(names) else None


def _article(title: str) -> str:
    return f"{'an' if title[0] in 'AEIOU' else 'a'} {title}"


def _excerpt(line: bytes) -> str:
    return line[:EXCERPT].decode("utf-8", "replace")
