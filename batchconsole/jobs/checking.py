"""The input check of a job: every record read before AWS sees it, once for the same objects, model and limits."""

import hashlib
import json
import logging
from collections.abc import Iterable
from dataclasses import asdict
from functools import partial

import msgspec
from django.db import transaction
from django.utils import timezone

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.aws.session import Target
from batchconsole.jobs import scheduling
from batchconsole.jobs.leases import Lease, LeaseLost
from batchconsole.jobs.limits import Limits, limits_for
from batchconsole.jobs.models import BatchJob, InputCheck, Status, Verb
from batchconsole.jobs.signals import nudge
from batchconsole.records import preflight
from batchconsole.records.files import InputFile
from batchconsole.records.limits import Limits as RecordLimits
from batchconsole.records.report import Report

logger = logging.getLogger(__name__)


def check_input(job: BatchJob) -> None:
    """Check the input of *job* and send it to the queue, or reject it. Never raises AwsError.

    An input that cannot be read now is tried again; one that never can be is rejected, with the reason.
    """
    if job.status != Status.CHECKING:
        return
    try:
        _check(job, Lease(job))
    except LeaseLost:
        logger.info("The input check of job %s went on elsewhere.", job.pk)
    except AwsError as error:
        _unreadable(job, error)


def _check(job: BatchJob, lease: Lease) -> None:
    objects = list_input(job.connection.target, job.input_s3_uri)
    limits = limits_for(job.connection, job.model_id)
    key = _key(job, objects, limits)
    found = InputCheck.objects.filter(connection=job.connection, key=key).first() or _run(
        job, lease, key, objects, limits
    )
    with transaction.atomic():
        lease.check()
        _decide(job, found)


def _run(job: BatchJob, lease: Lease, key: str, objects: list[s3.S3Object], limits: Limits) -> InputCheck:
    def tell(progress: preflight.Progress) -> None:
        share = 100 * progress.bytes // max(progress.total_bytes, 1)
        lease.renew(message=f"{progress.records:,} records read ({share}%).")

    report = preflight.check(
        input_files(job.connection.target, job.input_s3_uri, objects),
        model_id=job.model_id,
        invocation_type=job.model_invocation_type,
        limits=_record_limits(limits),
        input_s3_uri=job.input_s3_uri,
        progress=tell,
    )
    return _save(job, key, report)


def _save(job: BatchJob, key: str, report: Report) -> InputCheck:
    values = {
        "input_s3_uri": job.input_s3_uri,
        "model_id": job.model_id,
        "model_invocation_type": job.model_invocation_type,
        "record_count": report.records,
        "error_count": report.errors,
        "warning_count": report.warnings,
        "content": msgspec.to_builtins(report),
    }
    return InputCheck.objects.update_or_create(connection=job.connection, key=key, defaults=values)[0]


def _decide(job: BatchJob, found: InputCheck) -> None:
    data = {"records": found.record_count, "errors": found.error_count, "warnings": found.warning_count}
    if found.error_count:
        message = f"The input check found {found.error_count:,} errors in {found.record_count:,} records."
        hint = "Correct the input and create the job again, or submit it all the same."
        job.transition(
            Status.REJECTED, verb=Verb.REJECTED, data=data, input_check=found, message=message, hint=hint, due_at=None
        )
        return
    job.transition(
        Status.QUEUED, verb=Verb.CHECKED, data=data, input_check=found, message="", hint="", due_at=timezone.now()
    )
    nudge("submit", job.pk)


def _unreadable(job: BatchJob, error: AwsError) -> None:
    said = {"message": error.message, "error_code": error.code, "hint": error.hint}
    if error.retryable:
        due_at = timezone.now() + scheduling.pause(error, 1)
        BatchJob.objects.filter(pk=job.pk, status=Status.CHECKING, due_at=job.due_at).update(due_at=due_at, **said)
        return
    data = {"code": error.code, "message": error.message}
    job.transition(Status.REJECTED, verb=Verb.REJECTED, data=data, due_at=None, **said)


def list_input(target: Target, input_s3_uri: str) -> list[s3.S3Object]:
    """What lies at a job's input location: the file it names, or everything in the folder. Raises AwsError."""
    bucket, key = s3.parse_s3_uri(input_s3_uri)
    folder = key if not key or key.endswith("/") else f"{key}/"
    return [item for item in s3.iter_objects(target, bucket, key) if item.key == key or item.key.startswith(folder)]


def input_files(target: Target, input_s3_uri: str, objects: Iterable[s3.S3Object]) -> list[InputFile]:
    """*objects* as the input check reads them: named without the location, and only in the version listed."""
    bucket, key = s3.parse_s3_uri(input_s3_uri)
    folder = key if key.endswith("/") else key.rpartition("/")[0] + "/"
    return [
        InputFile(
            item.key.removeprefix(folder), item.size, partial(s3.iter_object, target, bucket, item.key, etag=item.etag)
        )
        for item in objects
        if not item.key.endswith("/")
    ]


def _key(job: BatchJob, objects: list[s3.S3Object], limits: Limits) -> str:
    """The same for the same objects, model, invocation type and limits: then the check would find the same."""
    about = [
        job.input_s3_uri,
        job.model_id,
        job.model_invocation_type,
        asdict(limits),
        sorted((item.key, item.etag) for item in objects),
    ]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()


def _record_limits(limits: Limits) -> RecordLimits:
    return RecordLimits(
        min_records_per_job=limits.min_records_per_job,
        max_records_per_job=limits.records_per_job,
        max_records_per_file=limits.records_per_file,
        max_bytes_per_file=limits.bytes_per_file,
        max_bytes_per_job=limits.bytes_per_job,
    )
