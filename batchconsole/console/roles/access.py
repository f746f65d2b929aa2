"""What the service role in a create form may do at its two S3 locations, according to IAM's policy simulator."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from batchconsole.aws.errors import AwsError
from batchconsole.console.kit.page_form import PageForm
from batchconsole.jobs.account import account_id
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Actor, Connection, JobRequest
from batchconsole.jobs.service_roles import Access, service_role_access

LOCATIONS = ("input_s3_uri", "output_s3_uri")
# IAM's error code for a role that does not exist.
NO_ROLE = "NoSuchEntity"


@dataclass(frozen=True)
class RoleAccess:
    """IAM's answers about a role, or the fields that are missing."""

    answers: tuple[Access, ...] = ()
    missing: tuple[str, ...] = ()
    error: AwsError | UserError | None = None

    @property
    def refused(self) -> list[Access]:
        return [answer for answer in self.answers if not answer.is_allowed]


def check_access(form: PageForm, connection: Connection, actor: Actor) -> RoleAccess:
    """Ask IAM about the form as it is now; only the role and the two locations must be valid."""
    form.full_clean()
    return access_of(form, connection, actor)()


def access_of(form: PageForm, connection: Connection, actor: Actor) -> Callable[[], RoleAccess]:
    """Return a function that asks IAM about a cleaned form.

    With the system as *actor*, the function needs no database access.
    """
    missing = missing_of(form, ("role_arn", *LOCATIONS))
    if missing:
        return partial(RoleAccess, missing=missing)
    try:
        account_id(connection)
    except AwsError as error:
        return partial(RoleAccess, error=error)
    return partial(_ask, connection, actor, JobRequest.from_fields(form.cleaned_data))


def _ask(connection: Connection, actor: Actor, request: JobRequest) -> RoleAccess:
    try:
        answers = service_role_access(connection, actor, request=request)
    except (AwsError, UserError) as error:
        return RoleAccess(error=error)
    return RoleAccess(tuple(answers))


def missing_of(form: PageForm, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the display names of the fields in *names* without a valid value."""
    return tuple(form.name_of(name) for name in names if not form.cleaned_data.get(name))
