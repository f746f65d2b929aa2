"""Copy the output of a job to where a client looks for it: under the id in the ARN that the client got.

S3 itself makes the copies, object by object. Objects already there with the same size are not copied again, so losing
a worker repeats at most one copy.
"""

import logging
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.jobs.leases import SCAN, Failure, Lease, step
from batchconsole.jobs.models import BatchJob, OutputCopy, Verb
from batchconsole.jobs.outputs.results import MANIFEST, output_folder
from batchconsole.jobs.queue import scheduling

logger = logging.getLogger(__name__)

# How often to try if AWS refuses: a person may give the console permission to write there.
MOST_FAILURES = 5
REFUSED = timedelta(seconds=10)


@step(OutputCopy, queue=SCAN, where=Q(state=OutputCopy.State.PENDING))
def copy_output(copy: OutputCopy, lease: Lease) -> None:
    """Copy each object of the output, the manifest last, so that a client that waits for it finds all the others."""
    job = copy.job
    target, (bucket, source) = job.connection.target, output_folder(job)
    sink = sink_folder(job)
    there = {item.key: item.size for item in s3.iter_objects(target, bucket, sink)}
    found = sorted(s3.iter_objects(target, bucket, source), key=lambda item: item.key.endswith(MANIFEST))
    size = 0
    for number, item in enumerate(found, 1):
        key = sink + item.key.removeprefix(source)
        if there.get(key) != item.size:
            s3.copy_object(
                target,
                bucket,
                item,
                to_key=key,
                kms_key_id=job.output_kms_key_id,
                owner=job.output_bucket_owner,
                progress=partial(_hold, lease),
            )
        size += item.size
        lease.write(objects_done=number, bytes_done=size)
    _end(copy, lease, OutputCopy.State.DONE, error=None)


def sink_folder(job: BatchJob) -> str:
    """Return the prefix of the copies in the bucket of the output, with a trailing slash."""
    _, source = output_folder(job)
    return f"{source.removesuffix(f'{job.aws_id}/')}{job.gateway_id}/"


def _hold(lease: Lease, copied_bytes: int) -> None:
    lease.renew()


def _end(copy: OutputCopy, lease: Lease, state: OutputCopy.State, **fields: Any) -> None:
    done = state == OutputCopy.State.DONE
    with transaction.atomic():
        lease.end(due_at=None, state=state, **fields)
        copy.job.record(
            Verb.OUTPUT_COPIED if done else Verb.OUTPUT_NOT_COPIED,
            data={"objects": copy.objects_done, "bytes": copy.bytes_done, "id": copy.job.gateway_id}
            | {name: value for name, value in (copy.error or {}).items() if name in ("code", "message")},
        )


@copy_output.on_failure
def _not_copied(copy: OutputCopy, lease: Lease, error: Failure) -> None:
    """Retry without limit while S3 is unavailable, and a few times if it refuses; then mark the copy as failed."""
    failures = copy.failures + 1
    logger.warning("The output of job %s could not be copied: %s", copy.job_id, error)
    if isinstance(error, AwsError) and error.retryable:
        lease.end(due_at=timezone.now() + scheduling.pause(error, failures), failures=failures, error=error.as_dict())
    elif failures < MOST_FAILURES:
        lease.end(due_at=timezone.now() + REFUSED, failures=failures, error=error.as_dict())
    else:
        _end(copy, lease, OutputCopy.State.FAILED, failures=failures, error=error.as_dict())
