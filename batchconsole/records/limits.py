"""Bedrock's limits for one job, and the findings of an input that exceeds them."""

from collections.abc import Iterator
from dataclasses import dataclass

from batchconsole.records.families.faults import Severity
from batchconsole.records.report import Example, FileSummary, Finding


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The quotas of one model, in jobs, records and bytes; the defaults are AWS's of 2026, and some models differ.

    Source: https://docs.aws.amazon.com/general/latest/gr/bedrock.html. ``sources`` gives the sources of values that are
    not defaults.
    """

    jobs_at_once: int = 20
    min_records_per_job: int = 100
    records_per_job: int = 50_000
    records_per_file: int = 50_000
    bytes_per_file: int = 2**30
    bytes_per_job: int = 5 * 2**30
    sources: tuple[tuple[str, str], ...] = ()


DEFAULTS = Limits()
DEFAULTS_OF_CUSTOM_MODELS = Limits(jobs_at_once=3)


def about_input(
    code: str,
    message: str,
    *,
    found: str,
    expected: str,
    file: str = "",
    severity: Severity = "error",
) -> Finding:
    """Return a finding about a file or the whole input."""
    example = Example(file=file, found=found, expected=expected)
    return Finding(code=code, severity=severity, message=message, example=example)


def file_findings(limits: Limits, file: FileSummary) -> Iterator[Finding]:
    """Yield the findings about the size of one file."""
    if file.bytes > limits.bytes_per_file:
        yield about_input(
            "file-too-large",
            "A file is larger than Bedrock takes.",
            file=file.name,
            found=f"{file.bytes:,} bytes",
            expected=f"at most {limits.bytes_per_file:,} bytes",
        )
    if file.records > limits.records_per_file:
        yield about_input(
            "too-many-records-in-file",
            "A file has more records than Bedrock takes in one.",
            file=file.name,
            found=f"{file.records:,} records",
            expected=f"at most {limits.records_per_file:,} records",
        )


def job_findings(limits: Limits, *, records: int, size: int) -> Iterator[Finding]:
    """Yield the findings about the size of the whole input; *size* is in bytes."""
    if size > limits.bytes_per_job:
        yield about_input(
            "job-too-large",
            "The input is larger than Bedrock takes in one job.",
            found=f"{size:,} bytes",
            expected=f"at most {limits.bytes_per_job:,} bytes",
        )
    if records > limits.records_per_job:
        yield about_input(
            "too-many-records",
            "There are more records than Bedrock takes in one job.",
            found=f"{records:,} records",
            expected=f"at most {limits.records_per_job:,} records",
        )
    if records < limits.min_records_per_job:
        yield about_input(
            "too-few-records",
            "There are fewer records than Bedrock takes in one job.",
            found=f"{records:,} records",
            expected=f"at least {limits.min_records_per_job:,} records",
        )
