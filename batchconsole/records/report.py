"""The report of an input check: problems with exact counts and a few examples, sizes, tokens and cost."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import msgspec

from batchconsole.records.families.faults import Severity

MAX_EXAMPLES = 10
MAX_PROBLEMS = 200
MAX_FILES = 1000
_INDEX = re.compile(r"\[\d+\]")


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One occurrence of a problem. ``line`` starts at 1 and is 0 for a whole file; ``path`` is a JSON path."""

    file: str
    line: int = 0
    record_id: str = ""
    path: str = ""
    found: str = ""
    expected: str = ""


class Problem(msgspec.Struct, kw_only=True):
    """All occurrences of the same mistake. ``code`` is stable and meant for programs; ``message`` is meant for people.

    AWS refuses the job or the record for an ``error``; a ``warning`` is probably a mistake. ``bedrock_says`` is
    Bedrock's message for it, if known.
    """

    code: str
    severity: Severity
    message: str
    path: str = ""
    count: int = 0
    examples: list[Example] = msgspec.field(default_factory=list)
    bedrock_says: str = ""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake at one place, before it is grouped and counted."""

    code: str
    severity: Severity
    message: str
    example: Example
    bedrock_says: str = ""


class Problems(msgspec.Struct):
    """Findings grouped by code, path in the record and message. The numbers of groups and examples are limited."""

    groups: dict[tuple[str, str, str], Problem] = msgspec.field(default_factory=dict)
    count: int = 0

    def add(self, finding: Finding, *, count: int = 1) -> None:
        group = self._group(finding)
        group.count += count
        self.count += count
        if len(group.examples) < MAX_EXAMPLES:
            group.examples.append(finding.example)

    def _group(self, finding: Finding) -> Problem:
        path = _INDEX.sub("[*]", finding.example.path)
        key = (finding.code, path, finding.message)
        if key not in self.groups:
            key = self._room_for(key, finding.severity)
            new = Problem(code=key[0], severity=finding.severity, message=key[2], path=key[1])
            group = self.groups.setdefault(key, new)
            group.bedrock_says = finding.bedrock_says if key[0] == finding.code else ""
        return self.groups[key]

    def _room_for(self, key: tuple[str, str, str], severity: Severity) -> tuple[str, str, str]:
        if len(self.groups) < MAX_PROBLEMS:
            return key
        return f"other-{severity}s", "", f"There are more kinds of {severity}s than are listed one by one."

    def merge(self, other: "Problems", *, lines_before: int) -> None:
        """Add the problems of a later part of the file; its line numbers are shifted by *lines_before*."""
        for key, problem in other.groups.items():
            mine = self.groups.get(key)
            if mine is None:
                key = self._room_for(key, problem.severity)
                mine = self.groups.setdefault(
                    key, Problem(code=key[0], severity=problem.severity, path=key[1], message=key[2])
                )
            mine.count += problem.count
            mine.bedrock_says = mine.bedrock_says or problem.bedrock_says
            room = MAX_EXAMPLES - len(mine.examples)
            mine.examples += [_moved(example, lines_before) for example in problem.examples[:room]]
        self.count += other.count

    def listed(self) -> list[Problem]:
        """Return the problems, errors before warnings, and the most frequent first."""
        return sorted(self.groups.values(), key=lambda problem: (problem.severity != "error", -problem.count))


def _moved(example: Example, lines: int) -> Example:
    return msgspec.structs.replace(example, line=example.line + lines) if example.line else example


class FileSummary(msgspec.Struct, kw_only=True):
    """One file: its size in bytes and its number of records."""

    name: str
    bytes: int = 0
    records: int = 0


class CostEstimate(msgspec.Struct, kw_only=True):
    """The cost in USD at the batch price of a date. ``output_usd_at_most`` is ``None`` if some output has no limit."""

    input_usd: Decimal
    output_usd_at_most: Decimal | None
    price_as_of: date
    price_source: str
    how: str

    @property
    def usd_at_most(self) -> Decimal | None:
        """The cost of the input and the longest possible answers; ``None`` if some output has no known limit."""
        return None if self.output_usd_at_most is None else self.input_usd + self.output_usd_at_most


class Report(msgspec.Struct, kw_only=True):
    """The outcome of an input check.

    ``family`` is empty if the model's format is not known; then only ``recordId`` and ``modelInput`` were checked.
    ``records_with_errors`` counts records, while problems count findings. ``media_objects`` is the number of objects at
    the input location that records refer to, ``media_bytes`` their size.
    """

    model_id: str
    invocation_type: str
    family: str = ""
    files: list[FileSummary] = msgspec.field(default_factory=list)
    file_count: int = 0
    bytes: int = 0
    records: int = 0
    records_with_errors: int = 0
    problems: list[Problem] = msgspec.field(default_factory=list)
    media_objects: int = 0
    media_bytes: int = 0
    estimated_input_tokens: int = 0
    output_tokens_at_most: int | None = None
    cost: CostEstimate | None = None

    @property
    def errors(self) -> int:
        return sum(problem.count for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> int:
        return sum(problem.count for problem in self.problems if problem.severity == "warning")

    @property
    def ok(self) -> bool:
        """Whether the check found nothing that AWS would refuse."""
        return not self.errors

    def examples(self) -> Iterator[tuple[Problem, Example]]:
        """Yield every example with its problem, for tables and CSV."""
        for problem in self.problems:
            for example in problem.examples:
                yield problem, example


def encode(report: Report) -> bytes:
    """Encode *report* as JSON."""
    return msgspec.json.encode(report)


def decode(data: bytes | str) -> Report:
    """Decode the report that :func:`encode` encoded as *data*. Raises ``msgspec.DecodeError`` for anything else."""
    return msgspec.json.decode(data, type=Report)
