"""Jobs of the server that is looked at: in every state, long and many of everything, with results and usage."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from batchconsole.aws import s3
from batchconsole.jobs.models import (
    ENDED_ON_AWS,
    BatchJob,
    BulkAction,
    BulkActionItem,
    Connection,
    Event,
    Status,
    Verb,
)
from batchconsole.jobs.outputs import comparing, results
from tests.conftest import ACCOUNT, REGION
from tests.jobs.conftest import converse_lines

NOBODY = "http://127.0.0.1:9"  # a port nothing listens on
NOVA, CLAUDE = "amazon.nova-lite-v1:0", "anthropic.claude-3-haiku-20240307-v1:0"
PROFILE = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/us.anthropic.claude-3-5-sonnet-20241022-v2:0"
LONG = "quarterly-customer-satisfaction-survey-classification-rerun-007"  # the longest name AWS allows
AWAY = {
    "code": "EndpointConnectionError",
    "operation": "ListModelInvocationJobs",
    "message": f"Could not connect to the endpoint URL {NOBODY}/.",
    "hint": "Check the connection's endpoint and the network.",
}
MESSAGES = {
    Status.FAILED: "The provided role arn:aws:iam::123456789012:role/service-role/nightly-batch does not have "
    "s3:GetObject permission on s3://prompts/input/part-0007.jsonl, or the object is encrypted with a KMS key that "
    "the role may not use. Grant both, then create the job again.",
    Status.SUBMIT_FAILED: "The request was refused by Amazon Bedrock: this model does not support batch inference.",
    Status.REJECTED: "12 errors in 1,000 records",
    Status.QUEUED: "Waiting for a free place: 10 of 10 jobs of Nova Lite are running.",
    Status.EXPIRED: "The job did not end within its timeout of 24 hours.",
}
BEFORE: dict[str, list[str]] = {
    Status.COMPLETED: ["Queued", "Submitting", "Submitted", "Validating", "Scheduled", "InProgress"],
    Status.IN_PROGRESS: ["Queued", "Submitting", "Submitted", "Validating", "Scheduled"],
    Status.FAILED: ["Queued", "Submitting", "Submitted", "Validating"],
}
DECIDED = ["stopped", "stopped", "cancelled", "stopping", "ended", "failed"]


class SeedOfJobs:
    """Jobs and what they stand on: people, connections and a bucket; ``names`` fills in the paths of pages."""

    def __init__(self, aws_endpoint: str, bedrock_endpoint: str) -> None:
        self.now = timezone.now()
        self.names: dict[str, Any] = {}
        self.person = User.objects.create_superuser("ada", password="correct horse battery staple")
        self.colleague = User.objects.create_user("grace.hopper-with-a-long-name@example.com")
        self.local = connect("local", "Local stack", aws_endpoint, bedrock_endpoint)
        self.away = connect("away", "Production, Frankfurt", NOBODY, NOBODY, region="eu-central-1", sync_error=AWAY)
        connect("new", "New account", aws_endpoint, bedrock_endpoint)
        for _ in range(settings.WRONG_PASSWORDS):
            Client().post("/login/", {"username": "grace", "password": "wrong"})
        self.bucket = self.names["bucket"] = f"prompts-{uuid4().hex[:12]}"

    def job(self, name: str, status: str, *, key: str = "", minutes: float = 30, **fields: Any) -> BatchJob:
        """A saved job, created *minutes* ago, with the events that lead to its state; *key* names it in paths."""
        created = self.now - timedelta(minutes=minutes)
        values = {
            "connection": self.local,
            "created_by": self.person,
            "model_id": NOVA,
            "model_invocation_type": "Converse",
            "input_s3_uri": f"s3://{self.bucket}/input/",
            "output_s3_uri": f"s3://{self.bucket}/output/",
            "role_arn": f"arn:aws:iam::{ACCOUNT}:role/service-role/batch",
            "message": MESSAGES.get(Status(status), ""),
            "created_at": created,
            "due_at": None,
            **fields,
        }
        job: BatchJob = BatchJob.objects.create(job_name=name, status=status, **values)
        self.record(job, created)
        self.names[key or name] = job.pk
        return job

    def record(self, job: BatchJob, created: datetime) -> None:
        steps = [*BEFORE.get(job.status, []), job.status]
        for number, (old, new) in enumerate(zip(["", *steps], steps, strict=False)):
            verb = Verb.REPORTED if old else Verb.CREATED
            actor, at = None if old else job.created_by, created + timedelta(minutes=number)
            states = {"from_status": old, "to_status": new}
            Event.objects.create(connection=job.connection, job=job, actor=actor, verb=verb, at=at, **states)

    def make_jobs_in_every_state(self) -> None:
        for number, status in enumerate(Status.values):
            done = 1000 if status == Status.COMPLETED else 60 * number
            counts = {"total_record_count": 1000, "processed_record_count": done, "error_record_count": number}
            fields: dict[str, Any] = counts if number > 8 else {}
            if status in ENDED_ON_AWS:
                fields |= {"end_time": self.now - timedelta(minutes=number), "job_arn": arn(number)}
            self.job(f"nightly-{status.lower()}", status, key=status, minutes=60 + 47 * number, **fields)

    def make_extremes(self) -> None:
        deep = "/".join(f"year=2026/month={month:02}/classification-of-support-messages" for month in range(1, 5))
        self.job(
            LONG,
            Status.IN_PROGRESS,
            key="long",
            minutes=20,
            created_by=self.colleague,
            model_id=PROFILE,
            job_arn=arn(900),
            input_s3_uri=f"s3://{self.bucket}/{deep}/",
            output_s3_uri=f"s3://{self.bucket}/{deep}/answers/",
            output_kms_key_id=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/6f1b7c2e-6e0e-4b52-9a44-0f4a0d3c9d11",
            tags=[{"key": f"cost-centre-{number}", "value": "research " * (number % 6)} for number in range(12)],
            subnet_ids=[f"subnet-0{number:016x}" for number in range(4)],
            security_group_ids=[f"sg-0{number:016x}" for number in range(3)],
            timeout_duration_in_hours=168,
            total_record_count=5_000_000,
            processed_record_count=4_321_098,
            error_record_count=12_345,
        )

        long_tag = {"key": "the-longest-key-there-may-be/" * 4 + "12-letters/x", "value": "a value of many words " * 11}
        others = [{"key": f"cost-centre-{number}", "value": ""} for number in range(8)]
        self.job("tagged", Status.QUEUED, minutes=21, tags=[{"key": "team", "value": "nlp"}, long_tag, *others])

    def make_results(self) -> None:
        """One job with 10,000 records, one with an output schema, one that left some unanswered and was sent again, and
        what can go wrong.
        """
        answers = b"".join(map(result_line, range(1, 10_001)))
        self.ended("support-triage", Status.COMPLETED, answers, key="results", minutes=90)
        self.ended("typed-answers", Status.COMPLETED, b"".join(map(typed_line, range(4))), key="typed", minutes=93)
        part = self.ended("half-way", Status.STOPPED, b"".join(map(result_line, range(1, 61))), minutes=95)
        tags = [{"key": "team", "value": "nlp"}, {"key": "cost-centre", "value": ""}]
        self.job("half-way-again", Status.QUEUED, minutes=5, resend_of=part, tags=tags)
        for number in range(30):
            counts: dict[str, Any] = {"total_record_count": 500, "processed_record_count": 500}
            counts |= {"error_record_count": number + 1, "job_arn": arn(600 + number)}
            name, minutes = f"weekly-review-{number:02}", 90_000 - number
            self.job(name, Status.COMPLETED, minutes=minutes, results="ready", **counts)
        for key, value in {"pending": "pending", "unread": "failed", "none": "none"}.items():
            error = {**AWAY, "operation": "ListObjectsV2"} if value == "failed" else None
            self.job(
                f"output-{key}",
                Status.COMPLETED,
                key=key,
                minutes=99,
                job_arn=arn(950 + len(key)),
                results=value,
                results_error=error,
            )

    def ended(self, name: str, status: str, output: bytes, *, key: str = "", minutes: float, **fields: Any) -> BatchJob:
        job = self.job(
            name,
            status,
            key=key,
            minutes=minutes,
            job_arn=arn(800 + int(minutes)),
            end_time=self.now - timedelta(minutes=minutes / 2),
            results="pending",
            due_at=self.now,
            total_record_count=output.count(b"\n") if status == Status.COMPLETED else 100,
            **fields,
        )
        folder = results.output_folder(job)[1]
        s3.put_object(self.local.target, self.bucket, f"{folder}records.jsonl.out", output)
        results.collect_results(job)
        return job

    def make_comparison(self) -> None:
        """Two models that answer nine records, one of them differently, and a mark of each of two people."""
        key, jobs = "output/kettles.jsonl", []
        s3.put_object(self.local.target, self.bucket, key, converse_lines(9))
        for number, model_id in enumerate((NOVA, CLAUDE)):
            answers = b"".join(map(result_line, range(9 - number)))
            answers = answers.replace(b"Answer 2.", b"It depends.") if number else answers
            values = {"model_id": model_id, "input_s3_uri": f"s3://{self.bucket}/{key}"}
            name, minutes = f"kettles-{'claude' if number else 'nova'}", 90_100 + 2 * number
            jobs.append(self.ended(name, Status.COMPLETED, answers, minutes=minutes, **values))
        comparison = comparing.compare_jobs(self.local, self.person, jobs)
        comparing.compare_answers(comparison)
        marked = comparing.Marked(2, "rec-00002", 2)
        comparing.mark_answer(comparison, self.person, marked)
        comparison.marks.create(key=comparison.marks.get().key, position=2, created_by=self.colleague)
        self.names["comparison"] = comparison.pk

    def make_bulk_actions(self) -> None:
        """One that is done, with every outcome, one whose rest was cancelled, and one that runs."""
        jobs = list(BatchJob.objects.filter(connection=self.local, job_name__startswith="nightly-"))
        cut_short = {"cancelled_at": self.now, "cancelled_by": self.colleague, "created_by": self.colleague}
        for key, outcomes, fields in (
            ("bulk", DECIDED, {"matched_all": True}),
            ("bulk-cut-short", ["stopped", "stopped", *["left"] * 7], cut_short),
            ("bulk-running", ["stopped", *["pending"] * 9], {}),
        ):
            values: dict[str, Any] = {"connection": self.local, "created_by": self.person, "due_at": None}
            values |= {"query": "q=nightly&status=running", "job_count": len(outcomes)}
            values |= {"finished_at": None if key == "bulk-running" else self.now}
            action = BulkAction.objects.create(**values | fields)
            for job, outcome in zip(jobs, outcomes, strict=False):
                error = AWAY if outcome == "failed" else None
                BulkActionItem.objects.create(action=action, job=job, outcome=outcome, error=error)
            self.names[key] = action.pk

    def make_usage(self) -> None:
        """Two months of jobs with tokens and cost, one model without a price."""
        models = [NOVA, CLAUDE, "amazon.nova-micro-v1:0", "unheard.of-v1"]
        for day in range(60):
            model = models[day % 4]
            self.job(
                f"evaluation-{day:02}",
                Status.COMPLETED,
                minutes=day * 1440 + 600,
                model_id=model,
                created_by=self.colleague if day % 3 else self.person,
                job_arn=arn(day + 100),
                end_time=self.now - timedelta(days=day),
                total_record_count=100 * day + 100,
                processed_record_count=100 * day + 100,
                input_token_count=1_234_567 * (day % 7 + 1),
                output_token_count=98_765 * (day % 5 + 1),
                cost_usd=None if model == "unheard.of-v1" else Decimal("1.234567") * (day % 9 + 1),
                tags=[{"key": "team", "value": ["nlp", "search", ""][day % 3]}],
            )


def connect(name: str, title: str, aws_endpoint: str, bedrock_endpoint: str, **fields: Any) -> Connection:
    values = {
        "region": REGION,
        "account_id": ACCOUNT,
        "credentials": Connection.Credentials.LOCAL,
        "endpoint_url": aws_endpoint,
        "bedrock_endpoint_url": bedrock_endpoint,
        "bedrock_runtime_endpoint_url": bedrock_endpoint,
        "synced_at": timezone.now(),
        **fields,
    }
    connection: Connection = Connection.objects.create(name=name, title=title, **values)
    return connection


def result_line(number: int) -> bytes:
    """A record of output; every fiftieth failed, and some are long."""
    words = "The kettle boils. " * (1 if number % 7 else 40)
    answer = {"message": {"role": "assistant", "content": [{"text": f"Answer {number}. {words}"}]}}
    answered = {
        "output": answer,
        "stopReason": "end_turn",
        "usage": {"inputTokens": 10, "outputTokens": 3, "totalTokens": 13},
    }
    error = {"errorCode": 400, "errorMessage": f"The maximum tokens you requested, {number}, exceed the model limit."}
    outcome: dict[str, Any] = {"modelOutput": answered} if number % 50 else {"error": error}
    asked = {"messages": [{"role": "user", "content": [{"text": f"Question {number}? {words}"}]}]}
    return json.dumps({"recordId": f"rec-{number:05}", "modelInput": asked, **outcome}).encode() + b"\n"


def typed_line(number: int) -> bytes:
    """A record of output whose answer is to keep to a schema, which the first does not."""
    schema = {"type": "object", "properties": {"topic": {"type": "string"}, "urgency": {"type": "integer"}}}
    textual = {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(schema)}}}
    text = json.dumps({"topic": "kettles", "urgency": number or "high"})
    asked = {"messages": [{"role": "user", "content": [{"text": "Sort it."}]}], "outputConfig": {"textFormat": textual}}
    answered = {"output": {"message": {"content": [{"text": text}]}}, "stopReason": "end_turn", "usage": {}}
    return json.dumps({"recordId": f"rec-{number}", "modelInput": asked, "modelOutput": answered}).encode() + b"\n"


def arn(number: int) -> str:
    return f"arn:aws:bedrock:{REGION}:{ACCOUNT}:model-invocation-job/{number:012}"
