"""ListModelInvocationJobs from the console's own table: all of AWS's filters and its pagination, no call to AWS."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.core import signing
from django.db.models import Q, Value
from django.db.models.functions import StrIndex

from batchconsole.aws.errors import AwsError
from batchconsole.jobs.account import account_id
from batchconsole.jobs.finding import search
from batchconsole.jobs.finding.querysets import BatchJobQuerySet
from batchconsole.jobs.models import BatchJob, Connection, Right
from batchconsole.jobs.programs.gateway import Params
from batchconsole.jobs.programs.gateway_descriptions import Answer, describe_values, with_status
from batchconsole.jobs.programs.gateway_rows import Values, rows_of, values_of_row
from batchconsole.jobs.rights.access import require

DEFAULT_MAX_RESULTS = 100
SALT = "batchconsole.gateway.next-token"
NOT_ASKED = {"nextToken", "maxResults"}  # what may differ from page to page


def list_jobs(connection: Connection, actor: User, params: Params) -> Answer:
    """Return one page of the connection's jobs, newest first by default.

    Raises AwsError (``ValidationException``) if the token was not issued for the same filters, and NotAllowed.
    """
    require(actor, Right.VIEW, connection)
    account_id(connection)
    size, ascending = params.get("maxResults", DEFAULT_MAX_RESULTS), params.get("sortOrder") == "Ascending"
    jobs = _narrowed(BatchJob.objects.filter(connection=connection, lane=BatchJob.Lane.BATCH), params)
    if "nextToken" in params:
        jobs = jobs.filter(_behind(params, ascending=ascending))
    order = ("created_at", "id") if ascending else ("-created_at", "-id")
    page = [values_of_row(row) for row in rows_of(jobs).order_by(*order)[: size + 1]]
    answer: Answer = {"invocationJobSummaries": [describe_values(connection, job) for job in page[:size]]}
    if len(page) > size:
        answer["nextToken"] = _token(page[size - 1], params)
    return answer


def _narrowed(jobs: BatchJobQuerySet, params: Params) -> BatchJobQuerySet:
    if "submitTimeAfter" in params:
        jobs = jobs.filter(created_at__gt=params["submitTimeAfter"])
    if "submitTimeBefore" in params:
        jobs = jobs.filter(created_at__lt=params["submitTimeBefore"])
    if "nameContains" in params:
        text = params["nameContains"]
        found = jobs.filter(search.narrowed_by_name(text, using=jobs.db))
        jobs = found.alias(found_at=StrIndex("job_name", Value(text))).filter(found_at__gt=0)  # case-sensitive
    return jobs.filter(with_status(params["statusEquals"])) if "statusEquals" in params else jobs


def _behind(params: Params, *, ascending: bool) -> Q:
    """Return the condition for the jobs after the previous page. Raises AwsError for an invalid token."""
    try:
        moment, number, asked = signing.loads(params["nextToken"], salt=SALT)
    except signing.BadSignature as error:
        raise _invalid("The provided nextToken is invalid.") from error
    if asked != _digest(params):
        raise _invalid("The provided nextToken is invalid: it belongs to a request with other parameters.")
    at, side = _in_utc(datetime.fromisoformat(moment)), "gt" if ascending else "lt"
    return Q(**{f"created_at__{side}": at}) | Q(**{"created_at": at, f"id__{side}": number})


def _in_utc(moment: datetime) -> datetime:
    """Return the time in UTC, in which SQLite keeps it without saying so."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _invalid(message: str) -> AwsError:
    return AwsError(message, code="ValidationException", operation="ListModelInvocationJobs")


def _token(last: Values, params: Params) -> str:
    return signing.dumps([last["at"], last["pk"], _digest(params)], salt=SALT)


def _digest(params: Mapping[str, Any]) -> str:
    asked = {name: str(value) for name, value in params.items() if name not in NOT_ASKED}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]
