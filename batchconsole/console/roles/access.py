"""What the service role of a create form may do on its two locations, as IAM's simulator says."""

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
# IAM's word for a role that is not there.
NO_ROLE = "NoSuchEntity"


@dataclass(frozen=True)
class RoleAccess:
    """What IAM says of a role, or what is missing to ask."""

    answers: tuple[Access, ...] = ()
    missing: tuple[str, ...] = ()
    error: AwsError | UserError | None = None

    @property
    def refused(self) -> list[Access]:
        return [answer for answer in self.answers if not answer.is_allowed]


def check_access(form: PageForm, connection: Connection, actor: Actor) -> RoleAccess:
    """Ask IAM of the form as it is now; only the role and the two locations need be right."""
    form.full_clean()
    return access_of(form, connection, actor)()


def access_of(form: PageForm, connection: Connection, actor: Actor) -> Callable[[], RoleAccess]:
    """The question to IAM of a form that is cleaned; asked by the system itself, it needs the database no more."""
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
    """What people call those of the fields that hold nothing valid."""
    return tuple(form.name_of(name) for name in names if not form.cleaned_data.get(name))
