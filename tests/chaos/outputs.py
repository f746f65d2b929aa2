"""The promises about records: each one once in the output, and every count, token and cent right."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from batchconsole.aws import s3
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.aws.session import Target
from batchconsole.jobs.costs.prices import MICRO_USD
from batchconsole.jobs.models import BatchJob, MadeInput, OpenAIFile, Status
from batchconsole.jobs.states import ON_AWS
from batchconsole.records import prices
from tests.chaos.ledger import Ledger
from tests.chaos.promises import DOUBLED, LOST, WRONG, Broken
from tests.chaos.scene import BUCKET, TABLE_ROWS

MANIFEST = "manifest.json.out"


@dataclass
class Output:
    """What a job has written: how often each record, which of them failed, the tokens, and the manifest."""

    ids: Counter[str] = field(default_factory=Counter)
    failed: set[str] = field(default_factory=set)
    input_tokens: int = 0
    output_tokens: int = 0
    manifest: dict[str, int] = field(default_factory=dict)

    def add(self, line: dict[str, Any]) -> None:
        self.ids[line["recordId"]] += 1
        if "error" in line:
            self.failed.add(line["recordId"])
        else:
            usage = line["modelOutput"]["usage"]
            self.input_tokens += usage["inputTokens"]
            self.output_tokens += usage["outputTokens"]


class Records:
    """Reads inputs and outputs in S3; an input is read once."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._inputs: dict[str, Counter[str]] = {}

    def of_input(self, uri: str) -> Counter[str]:
        """Return how often each record id is in the input at *uri*."""
        if uri not in self._inputs:
            self._inputs[uri] = Counter(line["recordId"] for line in self._lines(uri, ".jsonl"))
        return self._inputs[uri]

    def of_output(self, job: BatchJob) -> Output:
        found = Output()
        for line in self._lines(job.output_folder, ".jsonl.out"):
            found.add(line)
        found.manifest = next(self._lines(job.output_folder, MANIFEST), {})
        return found

    def _lines(self, uri: str, ending: str) -> Iterator[dict[str, Any]]:
        bucket, prefix = parse_s3_uri(uri)
        for item in list(s3.iter_objects(self.target, bucket, prefix)):
            if item.key.endswith(ending):
                content = b"".join(s3.iter_object(self.target, bucket, item.key))
                yield from (json.loads(line) for line in content.split(b"\n") if line)


def find_broken_records(target: Target, ledger: Ledger) -> Iterator[Broken]:
    """Yield what is wrong with the outputs of all jobs that ran, and with the inputs that were made."""
    records = Records(target)
    outputs = {job.pk: records.of_output(job) for job in BatchJob.objects.all() if job.status in ON_AWS}
    for job in BatchJob.objects.filter(pk__in=outputs).select_related("connection"):
        yield from once(job, records.of_input(job.input_s3_uri), outputs[job.pk])
        yield from right(job, outputs[job.pk])
    for made in MadeInput.objects.filter(state=MadeInput.State.DONE, resend_of__in=outputs):
        yield from resent(made, records, outputs[made.resend_of_id])
    for uri in ledger.inputs:
        yield from of_table(uri, records.of_input(uri))


def once(job: BatchJob, inputs: Counter[str], output: Output) -> Iterator[Broken]:
    """Each record is in the output at most once, and if the job has completed, exactly once."""
    twice = [each for each, count in output.ids.items() if count > inputs[each]]
    if twice:
        yield Broken(DOUBLED, f"{job}: {len(twice)} records are there more than once, such as {twice[0]}")
    missing = inputs - output.ids
    if job.status == Status.COMPLETED and missing:
        yield Broken(LOST, f"{job} has completed, and {missing.total()} records have no output")


def right(job: BatchJob, output: Output) -> Iterator[Broken]:
    """The counts of the job and of its manifest, its tokens and its cost are those of its output."""
    failed = sum(output.ids[each] for each in output.failed)
    total = output.ids.total()
    counts = (job.processed_record_count or 0, job.success_record_count or 0, job.error_record_count or 0)
    if counts != (total, total - failed, failed):
        yield Broken(WRONG, f"{job} {job.status} counts {counts}; its output has {(total, total - failed, failed)}")
    if total and not output.manifest:
        yield Broken(LOST, f"{job} {job.status} has output and no manifest")
    if output.manifest and output.manifest["processedRecordCount"] != total:
        yield Broken(WRONG, f"the manifest of {job} says {output.manifest}; its output has {total} records")
    if not total or job.results != BatchJob.Results.READY:
        if total or job.results == BatchJob.Results.FAILED:
            yield Broken(WRONG, f"the results of {job} {job.status} are {job.results}: {job.results_error}")
        return
    tokens = (job.input_token_count, job.output_token_count)
    if tokens != (output.input_tokens, output.output_tokens):
        yield Broken(WRONG, f"{job} has tokens {tokens}; its output has {output.input_tokens, output.output_tokens}")
    price = prices.find_price(job.model_id, job.connection.region)
    if price is not None:
        price = prices.on_demand_price(price) if job.is_on_demand else price
        cost = prices.cost(price, output.input_tokens, output.output_tokens).quantize(MICRO_USD)
        if job.cost_usd != cost:
            yield Broken(WRONG, f"{job} costs {job.cost_usd}; by its output it is {cost}")


def resent(made: MadeInput, records: Records, output: Output) -> Iterator[Broken]:
    """An input made for a resend has the records that failed or got no answer, each once."""
    assert made.resend_of is not None
    source = records.of_input(made.resend_of.input_s3_uri)
    wanted = Counter({each: count for each, count in source.items() if each in output.failed or not output.ids[each]})
    found = records.of_input(made.output_s3_uri)
    if found != wanted:
        kind = DOUBLED if found - wanted else LOST
        yield Broken(kind, f"{made} has {found.total()} records; {wanted.total()} were to be sent again")


def of_table(uri: str, found: Counter[str]) -> Iterator[Broken]:
    """An input made of the table has a record for each row, once."""
    wanted = Counter(f"row-{number:05}" for number in range(TABLE_ROWS))
    for kind, difference in ((DOUBLED, found - wanted), (LOST, wanted - found)):
        if difference:
            yield Broken(kind, f"{uri}: {difference.total()} records, such as {next(iter(difference))}")


def find_stray_objects(target: Target) -> Iterator[str]:
    """Yield output that belongs to no job, and files of programs that have no row."""
    known = {job.output_folder for job in BatchJob.objects.all()}
    for item in s3.iter_objects(target, BUCKET, "out/"):
        folder = "/".join(item.key.split("/")[:2])
        if f"s3://{BUCKET}/{folder}/" not in known:
            yield f"s3://{BUCKET}/{item.key} belongs to no job"
    files = set(OpenAIFile.objects.values_list("s3_uri", flat=True))
    for item in s3.iter_objects(target, BUCKET, "openai/files/"):
        if f"s3://{BUCKET}/{item.key}" not in files:
            yield f"s3://{BUCKET}/{item.key} is a file without a row"
