"""Create a job for a client of the JSON API: validated by the rules of every field, once per idempotency key."""

from dataclasses import replace
from datetime import datetime
from typing import Unpack

from django.db import transaction

from batchconsole.aws.job_request import JobRequest, Tag
from batchconsole.jobs.account import account_id
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.job_rules import FieldProblem, find_problems, tag_problems
from batchconsole.jobs.lifecycle import Chosen, create_job
from batchconsole.jobs.models import Actor, BatchJob, Connection, Right
from batchconsole.jobs.queue import waiting
from batchconsole.jobs.rights.access import require

TOKEN_PREFIX = "json-api:"  # noqa: S105 - distinguishes them from the tokens of AWS's clients


class Invalid(Exception):
    """Some fields of a request are invalid."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        super().__init__("Some fields are not valid.")
        self.problems = problems


def create_once(
    connection: Connection,
    actor: Actor,
    request: JobRequest,
    *,
    key: str = "",
    resend_of: BatchJob | None = None,
    **chosen: Unpack[Chosen],
) -> tuple[BatchJob, bool]:
    """Return the job of *request* and whether it is new: a repeated *key* returns the job that was created with it.

    Raises
    ------
    Invalid
        Some fields are invalid; the error lists them all.
    UserError
        The key has created a different job. NotAllowed if the actor lacks the right to submit.
    AwsError
        AWS could not be asked for the account of the connection.
    """
    require(actor, Right.SUBMIT, connection)
    account_id(connection)
    chosen["caller_token"] = token_of(key)
    with transaction.atomic():
        Connection.objects.lock(connection.pk)
        known = known_job(connection, actor, request, key=key)
        if known:
            return known, False
        problems = find_problems(connection, request) + start_problems(chosen.get("start_at"))
        if problems:
            raise Invalid(problems)
        job = create_job(
            connection=connection,
            actor=actor,
            request=request,
            resend_of=resend_of,
            **chosen,
        )
    return job, True


def token_of(key: str) -> str:
    """Return what is kept of an Idempotency-Key, empty for an empty one."""
    return f"{TOKEN_PREFIX}{key}" if key else ""


def known_job(connection: Connection, actor: Actor, request: JobRequest, *, key: str) -> BatchJob | None:
    """Return the job that *actor* has created with *key*. Raises :class:`UserError` if it has another request."""
    if not key:
        return None
    jobs = BatchJob.objects.filter(connection=connection, caller_token=token_of(key), created_by=actor)
    known: BatchJob | None = jobs.first()
    return _same(known, request) if known else None


def start_problems(start_at: datetime | None) -> list[FieldProblem]:
    """Return the problems of a time before which a job is not submitted; ``None`` has none."""
    words = waiting.start_problem(start_at) if start_at else ""
    return [FieldProblem("start_at", words)] if words else []


def _same(known: BatchJob, request: JobRequest) -> BatchJob:
    """Return *known* if its request is the same apart from tags, which may have changed since; else raise UserError."""
    asked, before = (replace(each, client_request_token="", tags=()) for each in (request, known.request))
    if asked != before:
        raise UserError("This Idempotency-Key has created another job.", hint="Send a key of its own with each job.")
    return known


def check_tags(job: BatchJob, tags: list[dict[str, str]]) -> None:
    """Raise :class:`Invalid` unless *tags* are valid as the tags of *job*."""
    wanted = tuple(Tag(key=tag["key"], value=tag["value"]) for tag in tags)
    problems = list(tag_problems(replace(job.request, tags=wanted)))
    if problems:
        raise Invalid(problems)
