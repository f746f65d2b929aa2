"""Creating a job for a program of the JSON API: checked by the rules of all fields, and once for each of its keys."""

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from batchconsole.aws.job_request import JobRequest, Tag
from batchconsole.jobs import waiting
from batchconsole.jobs.access import require
from batchconsole.jobs.account import account_id
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.job_rules import FieldProblem, find_problems, tag_problems
from batchconsole.jobs.lifecycle import create_job
from batchconsole.jobs.models import Actor, BatchJob, Connection, Right

TOKEN_PREFIX = "json-api:"  # noqa: S105 - apart from the tokens of AWS's clients


class Invalid(Exception):
    """Some fields of a request are not right."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        super().__init__("Some fields are not valid.")
        self.problems = problems


def create_once(
    connection: Connection,
    actor: Actor,
    request: JobRequest,
    *,
    key: str = "",
    check_input: bool = True,
    clone_of: BatchJob | None = None,
    start_at: datetime | None = None,
) -> tuple[BatchJob, bool]:
    """The job of *request*, and whether it is new: with the same *key* a program gets the job it has created before.

    Raises
    ------
    Invalid
        With every field that is not right.
    UserError
        The key has created another job. NotAllowed without the right to submit.
    """
    require(actor, Right.SUBMIT, connection)
    account_id(connection)
    token = f"{TOKEN_PREFIX}{key}" if key else ""
    with transaction.atomic():
        Connection.objects.lock(connection.pk)
        known = BatchJob.objects.filter(connection=connection, caller_token=token, created_by=actor).first()
        if token and known:
            return _same(known, request), False
        problems = find_problems(connection, request) + _start_problems(start_at)
        if problems:
            raise Invalid(problems)
        job = create_job(
            connection=connection,
            actor=actor,
            request=request,
            check_input=check_input,
            clone_of=clone_of,
            start_at=start_at,
            caller_token=token,
        )
    return job, True


def _start_problems(start_at: datetime | None) -> list[FieldProblem]:
    words = waiting.start_problem(start_at) if start_at else ""
    return [FieldProblem("start_at", words)] if words else []


def _same(known: BatchJob, request: JobRequest) -> BatchJob:
    """*known*, if it was asked for in the same words; its tags may have been changed since."""
    asked, before = (replace(each, client_request_token="", tags=()) for each in (request, known.request))
    if asked != before:
        raise UserError("This Idempotency-Key has created another job.", hint="Send a key of its own with each job.")
    return known


def check_tags(job: BatchJob, tags: list[dict[str, str]]) -> None:
    """Raise :class:`Invalid` unless *job* can have *tags*."""
    wanted = tuple(Tag(key=tag["key"], value=tag["value"]) for tag in tags)
    problems = list(tag_problems(replace(job.request, tags=wanted)))
    if problems:
        raise Invalid(problems)
