"""Inputs of the server that is looked at: objects in S3, checks, made inputs, prompt templates and splits."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from batchconsole.aws import iam, s3
from batchconsole.aws.job_request import JobRequest
from batchconsole.aws.session import client
from batchconsole.jobs.inputs import input_checks
from batchconsole.jobs.inputs.prompt_templates import archive_template, save_version
from batchconsole.jobs.models import (
    BatchJob,
    InputCheck,
    InputSplit,
    MadeInput,
    Status,
)
from batchconsole.jobs.models.prompt_template import Content
from batchconsole.records.limits import Limits, job_findings
from batchconsole.records.making import Recipe
from batchconsole.records.report import Problems, Report, encode
from batchconsole.records.schema_fields import SchemaField
from tests.browser.pages.seed_jobs import AWAY, NOVA, SeedOfJobs
from tests.conftest import ACCOUNT
from tests.jobs.conftest import converse_lines

BAD = b'{"recordId": "bad", "modelInput": {"messages": []}}\n'


class SeedOfInputs(SeedOfJobs):
    """What comes before a job."""

    def put_objects(self) -> None:
        s3.create_bucket(self.local.target, self.bucket)
        for key, body in self.objects():
            s3.put_object(self.local.target, self.bucket, key, body)

        self.put_versions()

    def put_versions(self) -> None:
        """A bucket with versions: of an object that was replaced, and of one that was deleted."""
        bucket, boto = f"{self.bucket}-kept", client(self.local.target, "s3")
        s3.create_bucket(self.local.target, bucket)
        boto.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        first = boto.put_object(Bucket=bucket, Key="records.jsonl", Body=converse_lines(2))
        for key in ("records.jsonl", "gone.jsonl"):
            boto.put_object(Bucket=bucket, Key=key, Body=converse_lines(3))
        boto.delete_object(Bucket=bucket, Key="gone.jsonl")
        self.names |= {"kept": bucket, "version": first["VersionId"]}

    def objects(self) -> Iterator[tuple[str, bytes]]:
        yield "input/records.jsonl", converse_lines(100)
        yield "bad/records.jsonl", converse_lines(100) + BAD * 12 + b"not json\n"
        for name in ("answers.jsonl.out", "empty.jsonl", "records.jsonl"):
            yield f"mixed/{name}", b"" if name == "empty.jsonl" else converse_lines(2)
        yield "notes.txt", b"Prompts of the support team.\n"
        yield f"many/{'very-long-folder-name-' * 5}/{'object-' * 10}.jsonl", converse_lines(2)
        for number in range(30):
            yield f"many/part-{number:05}.jsonl", b"{}\n"

    def make_role(self) -> None:
        locations = {
            name: f"s3://{self.bucket}/{name.partition('_')[0]}/" for name in ("input_s3_uri", "output_s3_uri")
        }
        asked = JobRequest.from_fields(locations | {"model_id": NOVA})
        iam.create_service_role(self.local.target, asked, role_name=f"batch-{self.bucket[-6:]}", account_id=ACCOUNT)

    def make_checks(self) -> None:
        """A job that its input check has refused, one being checked, and the check by itself."""
        refused = self.job(
            "refused-by-check",
            Status.CHECKING,
            key="refused",
            minutes=3,
            check_input=True,
            input_s3_uri=f"s3://{self.bucket}/bad/",
            due_at=self.now,
        )
        check_now(refused)
        refused.refresh_from_db()
        self.names["check"] = refused.input_check_id
        running = InputCheck.objects.create(
            connection=self.local,
            input_s3_uri=f"s3://{self.bucket}/input/",
            model_id=NOVA,
            model_invocation_type="Converse",
            state=InputCheck.State.RUNNING,
            due_at=self.now + timedelta(days=1),
            bytes_total=1_000_000_000,
            bytes_done=360_000_000,
            records=1_234_567,
            problems=12,
        )
        self.names["check-running"] = running.pk
        self.job("being-checked", Status.CHECKING, minutes=2, check_input=True, input_check=running)

    def make_made_inputs(self) -> None:
        """Input being made, and one that failed."""
        source = {"source_name": "reviews.csv", "source_size": 500_000_000, "kind": "csv", "recipe_json": "{}"}
        later = self.now + timedelta(days=1)
        states: dict[str, dict[str, Any]] = {
            "making": {"state": MadeInput.State.RUNNING, "bytes_read": 180_000_000, "records": 1_234_567},
            "making-failed": {"state": MadeInput.State.FAILED, "error": {**AWAY, "operation": "PutObject"}},
        }
        for key, fields in states.items():
            made = MadeInput.objects.create(
                connection=self.local,
                output_s3_uri=f"s3://{self.bucket}/made/reviews.jsonl",
                due_at=later,
                **source,
                **fields,
            )
            self.names[key] = made.pk

    def make_templates(self) -> None:
        """A prompt template with two versions, and an archived one."""
        fields = (SchemaField(name="mood", description="good or bad"), SchemaField(name="stars", kind="integer"))
        first = Content(recipe=Recipe(template="Is this good?\n\n{review}"))
        recipe = Recipe(template="Judge this review of {product}:\n\n{review}", system="Be fair.", max_tokens=200)
        second = Content(recipe=recipe, fields=fields)
        save_version(self.local, None, name="Mood of a review", content=first)
        version = save_version(self.local, None, name="Mood of a review", content=second)
        archive_template(save_version(self.local, None, name="Old questions", content=first).template, None)
        self.names |= {"template": version.template_id, "template-version": version.pk}

    def make_splits(self) -> None:
        """A rejected job whose input is too large, splits being made and failed, and one whose jobs have ended."""
        report = Report(model_id=NOVA, invocation_type="Converse", family="converse", records=123_456, bytes=2**31)
        for finding in job_findings(Limits(), records=report.records, size=report.bytes):
            problems = Problems()
            problems.add(finding)
            report.problems += problems.listed()
        check = InputCheck.objects.create(
            connection=self.local,
            input_s3_uri=f"s3://{self.bucket}/input/",
            model_id=NOVA,
            model_invocation_type="Converse",
            state=InputCheck.State.DONE,
            due_at=None,
            finished_at=self.now,
            records=report.records,
            problems=1,
            report_json=encode(report).decode(),
        )
        self.names["split-check"] = check.pk
        rejected = self.job("split-rejected", Status.REJECTED, check_input=True, input_check=check)
        error = {"message": "Line 3 of a.jsonl has 2,000,000,000 bytes.", "hint": "Shorten this record.", "code": ""}
        states: dict[str, dict[str, Any]] = {
            "split-running": {"state": "running", "bytes_total": 2**32, "bytes_done": 2**31 + 2**30},
            "split-failed": {"state": "failed", "error": error},
            "split": {"state": "done", "finished_at": self.now},
        }
        for key, fields in states.items():
            self.names[key] = self.split(rejected, due_at=self.now + timedelta(days=1), **fields).pk

    def split(self, rejected: BatchJob, **fields: Any) -> InputSplit:
        place = f"s3://{self.bucket}/output/reviews-split-0a1b2c3d/"
        asked = {**rejected.request.as_fields(), "job_name": "reviews"}
        values = {"input_s3_uri": rejected.input_s3_uri, "output_s3_uri": place, "request_json": asked}
        split: InputSplit = InputSplit.objects.create(
            connection=self.local, created_by=self.person, records=123_456, **values, **fields
        )
        for number in range(1, 4) if split.state != "failed" else ():
            is_done = split.state == "done"
            part = split.parts.create(
                number=number, input_s3_uri=split.part_uri(number, 3), records=41_152, is_written=is_done or number < 2
            )
            if is_done:
                errors: dict[str, Any] = {"error_record_count": 1_234} if number == 2 else {}
                counts: dict[str, Any] = {"total_record_count": 41_152, "processed_record_count": 41_152}
                counts |= {"cost_usd": "12.345678", "results": "ready" if number < 3 else "failed"}
                part.job = self.job(f"reviews-{number}-of-3", Status.COMPLETED, **counts, **errors)
                part.save()
        return split


def check_now(job: BatchJob) -> None:
    """Do what the workers would: list, read, and decide."""
    input_checks.check_input.run(job.pk)
    for check in InputCheck.objects.unfinished():
        input_checks.check_records.run(check.pk)
    input_checks.check_input.run(job.pk)
