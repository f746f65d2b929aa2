"""Correct a job that was refused before it ran on AWS: find the field of its request that caused the refusal.

This only reads a row and makes no AWS call. The corrected job is a new job of the same lineage.
"""

import re

from batchconsole.aws.job_request import JobRequest, members
from batchconsole.jobs.models import BatchJob
from batchconsole.jobs.states import Status

CORRECTABLE = frozenset({Status.REJECTED, Status.SUBMIT_FAILED})
# Words in AWS's messages by the field that they point to; the first match counts. Source: Bedrock's answers to
# CreateModelInvocationJob as the local Bedrock gives them, and the IAM, KMS and EC2 errors that Bedrock passes on.
WORDS = (
    ("job_name", r"job ?name"),
    ("role_arn", r"assume|passrole|pass role|\brole\b"),
    ("output_kms_key_id", r"\bkms\b|encryption key"),
    ("subnet_ids", r"subnet|\bvpc\b"),
    ("security_group_ids", r"security ?group"),
    ("timeout_duration_in_hours", r"timeout"),
    ("tags", r"\btags?\b"),
    ("output_s3_uri", r"output|putobject"),
    ("input_s3_uri", r"input|getobject|listbucket|\bs3\b|bucket"),
    ("model_id", r"model|inference profile|batch inference is not supported"),
)


def can_correct(job: BatchJob) -> bool:
    """Whether the form of *job* can be opened again to correct its mistake."""
    return job.status in CORRECTABLE


def field_at_fault(job: BatchJob) -> str:
    """Return the field of the request that caused the refusal of *job*; empty if the message names none."""
    if job.status == Status.REJECTED:
        return "input_s3_uri"
    return _named_member(job.message) or _by_words(job.message.lower())


def _named_member(message: str) -> str:
    """Return the field whose API member *message* names: ``at 'jobName' failed``. A full path beats a last name."""
    paths = {name: member.path for name, member in members(JobRequest).items()}
    whole = next((name for name, path in paths.items() if path in message), "")
    last = (name for name, path in paths.items() if re.search(rf"\b{path.rpartition('.')[2]}\b", message))
    return whole or next(last, "")


def _by_words(message: str) -> str:
    return next((field for field, words in WORDS if re.search(words, message)), "")
