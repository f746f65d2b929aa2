"""The input check: one pass over a job's files before AWS sees them.

Bedrock's own validation runs after queueing and does not look inside ``modelInput``; this check does. Apart
from eight bytes per record, memory use does not grow with the files. Several processes can read parts of a file.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from itertools import islice

import msgspec

from batchconsole.records.catalogue import Model, find_model
from batchconsole.records.duplicates import find_repeated
from batchconsole.records.estimates import estimate_cost, input_tokens, output_tokens_at_most
from batchconsole.records.families import family_for
from batchconsole.records.files import InputFile
from batchconsole.records.fingerprints import MAX_FINGERPRINTS
from batchconsole.records.inspection import CheckTarget, Inspector
from batchconsole.records.limits import Limits, about_input, file_findings, job_findings
from batchconsole.records.lines import Batch, batches
from batchconsole.records.prices import Price, find_price
from batchconsole.records.report import MAX_EXAMPLES, MAX_FILES, Example, FileSummary, Finding, Report
from batchconsole.records.scanning import Part, scan, without_id, without_mark
from batchconsole.records.sniffing import HEAD_BYTES, LOOK_ALIKES, Sniffed, sniff

PART_BYTES = 8 * 2**20
MAX_REPEATED = 1000  # repeated fingerprints to look up for examples
MAX_LISTED = 200_000  # repeated fingerprints to look up for the full list; about 50 MB


class CheckProgress(msgspec.Struct, frozen=True, kw_only=True):
    """The progress of a check: bytes read so far, bytes in total, records and problems so far."""

    bytes: int
    total_bytes: int
    records: int
    problems: int


ProgressCallback = Callable[[CheckProgress], None]


def check(
    files: Iterable[InputFile],
    *,
    model_id: str,
    invocation_type: str,
    limits: Limits | None = None,
    input_s3_uri: str = "",
    objects: dict[str, int] | None = None,
    price: Price | None = None,
    progress: ProgressCallback | None = None,
    executor: Executor | None = None,
) -> Report:
    """Check every record of *files* (all objects at the job's input location) and return a report.

    *input_s3_uri* is that location; media of records must lie below it and be among its *objects*, if their sizes are
    given by URI. *price* replaces the shipped batch price of the model. *progress* is called about once per MiB. With
    an *executor*, workers read large files in parts of 8 MiB, and *progress* is called once per part; with a process
    pool, *files* must be picklable.

    Any content gives a report. The only exceptions are those of opening or reading a file.
    """
    target = CheckTarget(model_id=model_id, invocation_type=invocation_type, input_s3_uri=input_s3_uri, objects=objects)
    run = _Check(list(files), target, limits or Limits(), progress, executor)
    return run.report(price or find_price(model_id))


def find_all(
    files: Iterable[InputFile],
    *,
    model_id: str,
    invocation_type: str,
    limits: Limits | None = None,
    input_s3_uri: str = "",
    objects: dict[str, int] | None = None,
) -> Iterator[Finding]:
    """Yield every finding that :func:`check` counts, for a full report as CSV.

    The list is unlimited, except for repeated recordIds (``MAX_LISTED``). The files are read while the findings are
    consumed, and a second time if recordIds repeat. Raises the same exceptions as :func:`check`.
    """
    target = CheckTarget(model_id=model_id, invocation_type=invocation_type, input_s3_uri=input_s3_uri, objects=objects)
    return _Check(list(files), target, limits or Limits(), None, None).findings()


def inputs_of(files: list[InputFile]) -> list[InputFile]:
    """Return the files to check: those ending in ``.jsonl`` or, without any, the only file."""
    return [file for file in files if file.name.endswith(".jsonl")] or (files if len(files) == 1 else [])


def _batch_findings(batch: Batch, part: Part, *, file: str, inspector: Inspector) -> Iterator[Finding]:
    """Yield the findings in the lines of *batch*, counting the lines in *part*."""
    ids: list[str] = []
    for line in without_mark(batch).lines:
        part.lines += 1
        seen = inspector.look(bytes(line), file=file, number=part.lines, cut=batch.cut)
        yield from seen.findings
        part.records += seen.is_record
        if seen.record_id is not None:
            ids.append(seen.record_id)
        elif seen.lacks_id:
            yield without_id(file, part.lines)
    part.fingerprints.add(ids)


def _sniff(file: InputFile) -> Sniffed:
    """Sniff the first :data:`HEAD_BYTES` bytes of *file*."""
    head = b""
    for chunk in file.open(start=0):
        head += chunk
        if len(head) >= HEAD_BYTES:
            break
    return sniff(file.name, head[:HEAD_BYTES])


def _scan_part(job: tuple[InputFile, CheckTarget, int]) -> Part:
    file, target, start = job
    return scan(file, target, start=start, end=min(start + PART_BYTES, file.size))


def _repeated(example: Example) -> Finding:
    message = "A recordId is used more than once, so its results cannot be told apart."
    return Finding(code="repeated-record-id", severity="warning", message=message, example=example)


def _ids_not_compared(count: int) -> Finding:
    message = "There are too many records to compare all recordIds with each other."
    return about_input(
        "record-ids-not-compared",
        message,
        severity="warning",
        found=f"{count:,} recordIds not compared",
        expected=f"at most {MAX_FINGERPRINTS:,} records",
    )


class _Check:
    """A running check: the files and the counts so far."""

    def __init__(
        self,
        files: list[InputFile],
        target: CheckTarget,
        limits: Limits,
        progress: ProgressCallback | None,
        executor: Executor | None,
    ) -> None:
        self.files = files
        self.inputs = inputs_of(files)
        self.target = target
        self.family = family_for(target.model_id, target.invocation_type)
        self.limits = limits
        self.progress = progress
        self.executor = executor
        self.total = Part()
        self.summaries: list[FileSummary] = []
        self.total_bytes = sum(file.size for file in self.inputs)
        self.done_bytes = 0
        self.readable = 0

    def report(self, price: Price | None) -> Report:
        self._add(self._model_findings())
        self._add(self._location_findings())
        for file in self.inputs:
            self._read(file)
        if self.readable or not self.inputs:
            self._add(job_findings(self.limits, records=self.total.records, size=self.total_bytes))
        self._add_repeated()
        return self._summary(price)

    def findings(self) -> Iterator[Finding]:
        """Yield the report's findings one by one."""
        yield from self._model_findings()
        yield from self._location_findings()
        inspector = Inspector(self.target)
        for file in self.inputs:
            yield from self._findings_in(file, inspector)
        if self.readable or not self.inputs:
            yield from job_findings(self.limits, records=self.total.records, size=self.total_bytes)
        if self.total.fingerprints.dropped:
            yield _ids_not_compared(self.total.fingerprints.dropped)
        _, repeated = self.total.fingerprints.repeated(limit=MAX_LISTED)
        yield from map(_repeated, find_repeated(self.inputs, repeated) if repeated else ())

    def _findings_in(self, file: InputFile, inspector: Inspector) -> Iterator[Finding]:
        sniffed = _sniff(file)
        yield from sniffed.findings
        self.readable += sniffed.readable
        part = Part()
        for batch in batches(file.open(start=0)) if sniffed.readable else ():
            yield from _batch_findings(batch, part, file=file.name, inspector=inspector)
        self.total.merge(part)
        yield from file_findings(self.limits, FileSummary(name=file.name, bytes=file.size, records=part.records))

    def _add(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.total.problems.add(finding)

    def _model_findings(self) -> Iterator[Finding]:
        model_id, model = self.target.model_id, find_model(self.target.model_id)
        if self.family is None:
            yield about_input(
                "unknown-format",
                "The format this model expects is not known here, so only recordId and modelInput were checked.",
                found=model_id,
                expected="a model of the catalogue",
                severity="warning",
            )
        if model is not None and not model.batch:
            yield about_input(
                "model-without-batch",
                "This model is not known to take batch jobs.",
                found=model_id,
                expected="a model that takes batch jobs",
                severity="warning",
            )
        if model is not None:
            yield from self._reach_findings(model)

    def _reach_findings(self, model: Model) -> Iterator[Finding]:
        """Yield findings if the model cannot be called by its id, or with Converse."""
        bare = self.target.model_id.rpartition("/")[2] == model.model_id
        if bare and not model.on_demand:
            yield about_input(
                "profile-needed",
                "This model is known to be reached only through an inference profile.",
                found=self.target.model_id,
                expected=f"one of {', '.join(model.inference_profiles)}",
                severity="warning",
            )
        if self.target.invocation_type == "Converse" and "TEXT" not in model.output_modalities:
            yield about_input(
                "model-without-converse",
                "This model makes embeddings, which Converse does not.",
                found="the model invocation type Converse",
                expected="the model invocation type InvokeModel",
            )

    def _location_findings(self) -> Iterator[Finding]:
        if not self.inputs:
            yield about_input(
                "no-input",
                "There is no .jsonl file at the input location.",
                found=f"{len(self.files)} files",
                expected="a file whose name ends in .jsonl",
            )
        for file in self.files if len(self.files) > 1 else ():
            if file.name.endswith(LOOK_ALIKES):
                yield about_input(
                    "ignored-file",
                    "Bedrock reads only .jsonl files and will not read these.",
                    file=file.name,
                    found=file.name,
                    expected="a name ending in .jsonl",
                    severity="warning",
                )

    def _read(self, file: InputFile) -> None:
        sniffed = _sniff(file)
        self._add(sniffed.findings)
        self.readable += sniffed.readable
        part = Part()
        if sniffed.readable and (self.executor is None or file.size <= PART_BYTES):
            part = scan(file, self.target, progress=self._tell)
        elif sniffed.readable and self.executor is not None:
            part = self._read_in_parts(file, self.executor)
        self._settle(file, part)

    def _read_in_parts(self, file: InputFile, executor: Executor) -> Part:
        whole = Part()
        jobs = [(file, self.target, start) for start in range(0, file.size, PART_BYTES)]
        for part in executor.map(_scan_part, jobs):
            whole.merge(part, lines_before=whole.lines)
            self._tell(whole)
        return whole

    def _settle(self, file: InputFile, part: Part) -> None:
        self.total.merge(part)
        self.done_bytes += file.size
        summary = FileSummary(name=file.name, bytes=file.size, records=part.records)
        self._add(file_findings(self.limits, summary))
        if len(self.summaries) < MAX_FILES:
            self.summaries.append(summary)

    def _tell(self, part: Part) -> None:
        if self.progress:
            self.progress(
                CheckProgress(
                    bytes=self.done_bytes + part.bytes,
                    total_bytes=self.total_bytes,
                    records=self.total.records + part.records,
                    problems=self.total.problems.count + part.problems.count,
                )
            )

    def _add_repeated(self) -> None:
        """Add warnings for repeated recordIds, with a few examples looked up in the files."""
        count, repeated = self.total.fingerprints.repeated(limit=MAX_REPEATED)
        examples = list(islice(find_repeated(self.inputs, repeated), MAX_EXAMPLES)) if count else []
        if self.total.fingerprints.dropped:
            self._add([_ids_not_compared(self.total.fingerprints.dropped)])
        for number, example in enumerate(examples, 1):
            left = count - len(examples) + 1 if number == len(examples) else 1
            self.total.problems.add(_repeated(example), count=left)

    def _summary(self, price: Price | None) -> Report:
        model, total = find_model(self.target.model_id), self.total
        tokens, at_most = input_tokens(total), output_tokens_at_most(total, model)
        sizes = self.target.objects or {}
        return Report(
            model_id=self.target.model_id,
            invocation_type=self.target.invocation_type,
            family=self.family.name if self.family else "",
            files=self.summaries,
            file_count=len(self.inputs),
            bytes=self.total_bytes,
            records=total.records,
            records_with_errors=total.records_with_errors,
            problems=total.problems.listed(),
            media_objects=len(total.objects),
            media_bytes=sum(sizes.get(uri, 0) for uri in total.objects),
            estimated_input_tokens=tokens,
            output_tokens_at_most=at_most,
            cost=estimate_cost(price, tokens=tokens, output_at_most=at_most),
        )
