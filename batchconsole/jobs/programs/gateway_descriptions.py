"""A job as Amazon Bedrock's API shows it to a client of the gateway: its ARN, its state in AWS's words, its members.

A list shows a thousand jobs, so a job is described from the values of its row, not from an instance of its model.
"""

import json
import secrets
import string
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db.models import Q

from batchconsole.aws import bedrock
from batchconsole.aws.job_request import write_members
from batchconsole.jobs.models import BatchJob, Connection, OutputCopy, Status
from batchconsole.jobs.programs.gateway_rows import (
    COPY_ERROR,
    COPY_STATE,
    COUNTS,
    LISTS,
    Values,
    rfc3339,
    values_of_job,
)
from batchconsole.jobs.states import ENDED, ENDED_ON_AWS, NEVER_SENT
from batchconsole.records import catalogue
from batchconsole.records.geographies import geography_of

Answer = dict[str, Any]

# AWS's ids are 12 random letters and digits. Ours start with a prefix that one in about a million of theirs has.
ID_PREFIX, ID_CHARACTERS, ID_LENGTH = "0000", string.ascii_lowercase + string.digits, 12
DEFAULT_TIMEOUT_HOURS = 24
# The AWS state to show for each state that AWS does not have.
IN_AWS_WORDS = {
    Status.CHECKING: Status.SUBMITTED,
    Status.QUEUED: Status.SUBMITTED,
    Status.SUBMITTING: Status.SUBMITTED,
    Status.REJECTED: Status.FAILED,
    Status.SUBMIT_FAILED: Status.FAILED,
    Status.CANCELLED: Status.STOPPED,
}
# Clients read the output as soon as a job ends, so it ends only once its output is copied to where they look for it.
WHILE_COPYING = dict.fromkeys(ENDED_ON_AWS, Status.IN_PROGRESS) | {Status.STOPPED: Status.STOPPING}
COPYING = Q(output_copy__state=OutputCopy.State.PENDING)
WORDS = {str(status): str(IN_AWS_WORDS.get(status, status)) for status in Status}
WORDS_WHILE_COPYING = {str(status): str(word) for status, word in WHILE_COPYING.items()}
ENDED_WORDS = frozenset(map(str, ENDED))

NO_ITEMS = "[]"


def describe(job: BatchJob) -> Answer:
    """Return *job* as GetModelInvocationJob shows it."""
    return describe_values(job.connection, values_of_job(job))


def describe_values(connection: Connection, job: Values) -> Answer:
    """Return a job of *connection* as GetModelInvocationJob and ListModelInvocationJobs show it."""
    status = _word(job)
    hours = job["timeout_duration_in_hours"] or DEFAULT_TIMEOUT_HOURS
    asked = {
        **job,
        "client_request_token": job["caller_token"] or job["client_request_token"],
        "model_id": model_arn(connection.region, connection.account_id, job["model_id"]),
        "input_bucket_owner": job["input_bucket_owner"] or connection.account_id,
        "output_bucket_owner": job["output_bucket_owner"] or connection.account_id,
        "timeout_duration_in_hours": hours,
        **{name: () if job[name] == NO_ITEMS else json.loads(job[name]) for name in LISTS},
    }
    view = write_members(asked) | {
        "jobArn": _arn(connection, job),
        "status": status,
        "submitTime": job["submitted"],
        "lastModifiedTime": job["modified"],
        "jobExpirationTime": job["expires"] or _after(job["submitted"], hours),
        **{member: job[column] or 0 for member, column in COUNTS.items()},
    }
    if message := _message(job):
        view["message"] = message
    if status in ENDED_WORDS:
        view["endTime"] = job["ended"]
    return view


def _after(time: str, hours: int) -> str:
    return rfc3339(datetime.fromisoformat(time) + timedelta(hours=hours))


def _message(job: Values) -> str:
    """Return AWS's message, or why the job was refused here, or where the output is if it could not be copied."""
    status, message = job["status"], str(job["message"])
    if status in NEVER_SENT:
        return " ".join(text for text in (message, job["hint"]) if text)
    if job["gateway_id"] and job[COPY_STATE] == OutputCopy.State.FAILED:
        reason = (json.loads(job[COPY_ERROR] or "null") or {}).get("message", "")
        folder = f"{job['output_s3_uri'].rstrip('/')}/{job['job_arn'].rpartition('/')[2]}/"
        return f"{message} The output is at {folder}: it could not be copied. {reason}".strip()
    return message if status in ENDED_ON_AWS else ""


def status_of(job: BatchJob) -> str:
    """Return the state of *job* as AWS names it."""
    return _word(values_of_job(job))


def _word(job: Values) -> str:
    is_copying = bool(job["gateway_id"]) and job[COPY_STATE] == OutputCopy.State.PENDING
    return (WORDS | WORDS_WHILE_COPYING if is_copying else WORDS)[str(job["status"])]


def with_status(word: str) -> Q:
    """Return the condition for the jobs whose :func:`status_of` is *word*."""
    plain = [status for status in Status if WORDS[str(status)] == word]
    copying = [status for status, shown in WHILE_COPYING.items() if shown == word]
    return (Q(status__in=plain) & ~(Q(status__in=ENDED_ON_AWS) & COPYING)) | (Q(status__in=copying) & COPYING)


def new_id() -> str:
    """Return 12 letters and digits like AWS's ids; the fifth is a letter, so it never equals an :func:`_id_of_row`."""
    begun = ID_PREFIX + secrets.choice(string.ascii_lowercase)
    return begun + "".join(secrets.choice(ID_CHARACTERS) for _ in range(ID_LENGTH - len(begun)))


def arn_of(job: BatchJob) -> str:
    """Return the ARN that clients use: ours if one was given out or AWS has given none yet, otherwise AWS's own."""
    return _arn(job.connection, {"pk": job.pk, "job_arn": job.job_arn, "gateway_id": job.gateway_id})


def _arn(connection: Connection, job: Values) -> str:
    if job["job_arn"] and not job["gateway_id"]:
        return str(job["job_arn"])
    return bedrock.job_arn(connection.region, connection.account_id, job["gateway_id"] or _id_of_row(job["pk"]))


def _id_of_row(pk: int) -> str:
    """Return the id under which lists show a waiting job that has none yet; valid until AWS gives it one."""
    return f"{ID_PREFIX}{pk:08}"


@lru_cache(maxsize=1_000)
def model_arn(region: str, account_id: str, model_id: str) -> str:
    """Return *model_id* as Get shows it: as an ARN, even if the job named the foundation model or profile by id."""
    if model_id.startswith("arn:"):
        return model_id
    arn = bedrock.job_arn(region, account_id, "").removesuffix("model-invocation-job/")
    if geography_of(model_id) and catalogue.bare_id(model_id) != model_id:
        return f"{arn}inference-profile/{model_id}"
    return f"{arn.removesuffix(f'{account_id}:')}:foundation-model/{model_id}"
