"""Clones of jobs: their names, and cloning one job without a form."""

import re
from collections.abc import Sequence
from itertools import count
from typing import Any

from batchconsole.aws.constraints import job_constraints
from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.job_rules import find_problems
from batchconsole.jobs.lifecycle import create_job
from batchconsole.jobs.models import Actor, BatchJob, Connection, Right, Verb
from batchconsole.jobs.rights.access import require
from batchconsole.jobs.states import NEVER_SENT

# Every job has its own name and token.
IDENTITY = ("job_name", "client_request_token")


def request_without_identity(job: BatchJob) -> dict[str, Any]:
    """Return the fields of the request of *job*, for a new job like it."""
    return {name: value for name, value in job.request.as_fields().items() if name not in IDENTITY}


def clone_job(job: BatchJob, actor: Actor, *, token: str, data: dict[str, Any]) -> BatchJob:
    """Create a job like *job* under a free name; *data* goes into the event of *job*.

    *token* is the client request token of the clone: a second call with it returns the clone of the first.
    Raises NotAllowed, :class:`UserError` if the request is refused now, and AwsError if the account is unknown.
    """
    require(actor, Right.SUBMIT, job.connection)
    made: BatchJob | None = BatchJob.objects.filter(connection=job.connection, client_request_token=token).first()
    if made is None:
        made = _create_clone(job, actor, token)
    if not job.events.filter(verb=Verb.CLONED, data__clone=made.pk).exists():
        job.record(Verb.CLONED, actor=actor, data={"clone": made.pk, "name": made.job_name, **data})
    return made


def _create_clone(job: BatchJob, actor: Actor, token: str) -> BatchJob:
    identity = {"job_name": name_of_clone(job.connection, job.job_name), "client_request_token": token}
    request = JobRequest.from_fields(request_without_identity(job) | identity)
    problems = find_problems(job.connection, request)
    if problems:
        raise UserError(" ".join(problem.message for problem in problems), problems[0].field, "Clone it in the form.")
    return create_job(
        connection=job.connection, actor=actor, request=request, check_input=job.check_input, clone_of=job
    )


def name_of_resend(connection: Connection, name: str) -> str:
    """Return a free name for a job that resends records of *name*: ``nightly-resend-2``, then ``nightly-resend-3``."""
    return _free_name_with(connection, name, word="resend")


def name_of_test(connection: Connection, name: str) -> str:
    """Return a free name for a test run of a job that is to be called *name*: ``nightly-test-2``; empty without one."""
    return _free_name_with(connection, name, word="test") if name else ""


def name_of_clone(connection: Connection, name: str) -> str:
    """Return a free name for a clone of *name*, or of one of its clones: ``nightly-clone-2``, ``nightly-clone-3``."""
    return _free_name_with(connection, name, word="clone")


def _free_name_with(connection: Connection, name: str, *, word: str) -> str:
    longest = (job_constraints()["jobName"].max or 0) - len(f"-{word}-9999")
    stem = re.sub(rf"-{word}(-\d{{1,4}})?$", "", name)[:longest].rstrip("-+.")
    return free_name(connection, f"{stem}-{word}")


def free_name(connection: Connection, name: str) -> str:
    """Return *name* with the first free number from 2, such as ``nightly-2``; it replaces a number at the end."""
    stem = re.sub(r"-\d{1,4}$", "", name)[: (job_constraints()["jobName"].max or 0) - 5].rstrip("-+.")
    used = set(
        BatchJob.objects.filter(connection=connection, job_name__startswith=stem).values_list("job_name", flat=True)
    )
    return next(free for number in count(2) if (free := f"{stem}-{number}") not in used)


def free_names(connection: Connection, name: str, ends: Sequence[str]) -> list[str]:
    """Return a free name for each of *ends*: *name* followed by it, or ``name-2`` followed by it if one is in use."""
    longest = (job_constraints()["jobName"].max or 0) - max(map(len, ends))
    for attempt in count(1):
        mark = f"-{attempt}" if attempt > 1 else ""
        stem = name[: longest - len(mark)].rstrip("-+.") + mark
        names = [stem + end for end in ends]
        used = BatchJob.objects.filter(connection=connection, job_name__in=names).exclude(status__in=NEVER_SENT)
        if not used.exists():
            break
    return names
