"""Find mistakes of whole files in their name and first bytes: not JSON Lines, or not quite."""

import msgspec

from batchconsole.records.families.faults import Severity
from batchconsole.records.file_formats import format_of
from batchconsole.records.report import Example, Finding

HEAD_BYTES = 64 * 1024
LOOK_ALIKES = (".json", ".ndjson", ".jsonlines", ".csv", ".tsv", ".txt", ".gz", ".zip", ".parquet", ".xlsx")

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
BOM = b"\xef\xbb\xbf"


class Sniffed(msgspec.Struct, frozen=True, kw_only=True):
    """The findings in a file's head. If not ``readable``, no line can be a record, so the lines are not checked."""

    findings: list[Finding]
    readable: bool = True


def sniff(name: str, head: bytes) -> Sniffed:
    """Check the name and the first bytes (up to :data:`HEAD_BYTES`) of a file."""
    findings = [] if name.endswith(".jsonl") else [_not_jsonl(name)]
    hopeless = _hopeless(name, head)
    if hopeless:
        return Sniffed(findings=[*findings, hopeless], readable=False)
    return Sniffed(findings=findings + _blemishes(name, head))


def _finding(
    name: str, code: str, message: str, *, found: str, expected: str, severity: Severity = "error", line: int = 0
) -> Finding:
    example = Example(file=name, line=line, found=found, expected=expected)
    return Finding(code=code, severity=severity, message=message, example=example)


def _not_jsonl(name: str) -> Finding:
    return _finding(
        name,
        "not-jsonl",
        "Bedrock reads only files whose name ends in .jsonl.",
        found=name.rpartition("/")[2],
        expected="a name ending in .jsonl",
    )


def _hopeless(name: str, head: bytes) -> Finding | None:
    if not head:
        return _finding(name, "empty-file", "The file is empty.", found="0 bytes", expected="one JSON object a line")
    kind = format_of(head)
    if kind:
        return _finding(
            name,
            "compressed",
            f"The file is {kind.name}. Bedrock reads only plain JSON Lines. {kind.advice}",
            found=kind.name,
            expected="plain text",
        )
    if head.startswith(_UTF16) or _looks_utf16(head):
        return _finding(
            name,
            "utf-16",
            "The file is UTF-16. Save it as UTF-8 without a byte-order mark.",
            found="UTF-16",
            expected="UTF-8",
        )
    return _not_lines(name, head.removeprefix(BOM).lstrip())


def _looks_utf16(head: bytes) -> bool:
    return (head[:1] in b"{[" and head[1:2] == b"\x00") or (head[:1] == b"\x00" and head[1:2] in b"{[")


def _not_lines(name: str, text: bytes) -> Finding | None:
    if text.startswith(b"[") and text[1:].lstrip().startswith(b"{"):
        return _array(name)
    if text.startswith(b"{") and _is_pretty_printed(text):
        return _finding(
            name,
            "pretty-printed",
            "JSON objects are spread over several lines. Put each record on one line.",
            found="an object over several lines",
            expected="one JSON object a line",
            line=1,
        )
    if _looks_like_csv(text):
        return _finding(
            name,
            "csv",
            "The file looks like CSV. Make records of its rows first.",
            found=_excerpt(text),
            expected="one JSON object a line",
            line=1,
        )
    return None


def _array(name: str) -> Finding:
    return _finding(
        name,
        "json-array",
        "The file is one JSON array. Write each element on a line of its own, without brackets and commas.",
        found="[",
        expected="one JSON object a line",
        line=1,
    )


def _is_pretty_printed(text: bytes) -> bool:
    """Whether the first line leaves an object open and the next line continues it."""
    first, newline, rest = text.partition(b"\n")
    if first.rstrip().endswith(b"},") and _is_json(first.rstrip()[:-1]):
        return False  # complete objects, separated by commas
    return (
        bool(newline) and first.rstrip().endswith((b"{", b"[", b",")) and rest.lstrip().startswith((b'"', b"{", b"}"))
    )


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _looks_like_csv(text: bytes) -> bool:
    lines = text.split(b"\n")[:3]
    separators = [line.count(b",") + line.count(b";") + line.count(b"\t") for line in lines if line.strip()]
    return (
        bool(separators) and not text.startswith((b"{", b"[", b'{"')) and min(separators) >= 1 and b"{" not in lines[0]
    )


def _blemishes(name: str, head: bytes) -> list[Finding]:
    findings = []
    if head.startswith(BOM):
        findings.append(
            _finding(
                name,
                "byte-order-mark",
                "The file begins with a byte-order mark, which makes its first "
                "line invalid JSON. Save it as UTF-8 without one.",
                found="EF BB BF",
                expected="{",
                line=1,
            )
        )
    first = head.partition(b"\n")[0]
    if first.endswith(b"\r"):
        findings.append(
            _finding(
                name,
                "windows-line-ends",
                "Lines end in \\r\\n, as on Windows. Bedrock has refused such files; end lines in \\n.",
                found="\\r\\n",
                expected="\\n",
                severity="warning",
                line=1,
            )
        )
    return findings


def _excerpt(text: bytes) -> str:
    return text.partition(b"\n")[0][:80].decode("utf-8", "replace")
