"""Validate a job's request before AWS sees it: the API model's rules for each field, and what the console knows.

Each rule is defined once and shared by the form's fields, the gateway and the JSON API: :mod:`aws.constraints` for the
fields, :mod:`jobs.model_rules` for models, ``using_name`` for names, :mod:`jobs.access` for locations and roles.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from batchconsole.aws.constraints import MAX_TAGS, Constraint, job_constraints
from batchconsole.aws.job_request import JobRequest, members
from batchconsole.jobs.account import account_id
from batchconsole.jobs.errors import NotAllowed
from batchconsole.jobs.model_rules import refusal, takes_converse
from batchconsole.jobs.models import BatchJob, Connection
from batchconsole.jobs.rights.access import require_model, require_places, require_service_role
from batchconsole.jobs.s3.input_places import require_input
from batchconsole.records import catalogue

REQUIRED = ("job_name", "model_id", "role_arn", "input_s3_uri", "output_s3_uri")
# Tags that AWS sets itself; users cannot change or remove them.
RESERVED_TAGS = "aws:"


@dataclass(frozen=True)
class FieldProblem:
    """A problem of one field: ``field`` is the API's field in snake case, ``message`` a full sentence."""

    field: str
    message: str


def find_problems(connection: Connection, request: JobRequest) -> list[FieldProblem]:
    """Return all problems of *request*; empty if it can be sent to AWS. Raises AwsError if the account is unknown."""
    found = [*_of_fields(request), *tag_problems(request)]
    wrong = {problem.field for problem in found}
    return found + [each for each in _of_meaning(connection, request, wrong=wrong) if each.field not in wrong]


def find_field_problems(values: Mapping[str, Any]) -> list[FieldProblem]:
    """Return the problems of *values*, some of the fields of a request by name, each checked on its own."""
    problems = _of_fields(JobRequest.from_fields(values))
    return [problem for problem in problems if problem.field in values]


def rule_for(name: str) -> Constraint | None:
    """Return the API's rule for the field *name* of a request; ``None`` if it has none."""
    return job_constraints().get(members(JobRequest)[name].path.rpartition(".")[2])


def _of_fields(request: JobRequest) -> Iterator[FieldProblem]:
    for name in members(JobRequest):
        value, rule = getattr(request, name), rule_for(name)
        if not value:
            if name in REQUIRED:
                yield FieldProblem(name, "This field is required.")
        elif rule and name != "tags":
            yield from (FieldProblem(name, message) for message in unmet(rule, value))


def unmet(rule: Constraint, value: Any) -> Iterator[str]:
    """Yield a sentence for each part of *rule* that *value*, a text, a number or a list of texts, does not meet."""
    if isinstance(value, tuple | list):
        yield from (message for item in value for message in unmet(rule.item or Constraint(), item))
    size = value if isinstance(value, int) else len(value)
    what = "" if isinstance(value, int) else " characters" if isinstance(value, str) else " items"
    if rule.min is not None and size < rule.min:
        yield f"Must be at least {rule.min}{what}."
    elif rule.max is not None and size > rule.max:
        yield f"Must be at most {rule.max}{what}."
    elif rule.enum and value not in rule.enum:
        yield f"Must be one of {', '.join(rule.enum)}."
    elif isinstance(value, str) and not rule.matches(value):
        yield f"Must match {rule.pattern}"


def tag_problems(request: JobRequest) -> Iterator[FieldProblem]:
    rules, keys = job_constraints(), [tag["key"] for tag in request.tags]
    if len(keys) > MAX_TAGS:
        yield FieldProblem("tags", f"A job takes at most {MAX_TAGS} tags.")
    if len(set(keys)) < len(keys):
        yield FieldProblem("tags", "Each key can be given once.")
    if any(key.lower().startswith(RESERVED_TAGS) for key in keys):
        yield FieldProblem("tags", "Keys that begin with aws: are AWS's own.")
    for tag in request.tags:
        parts = (("key", tag["key"]), ("value", tag["value"]))
        yield from (
            FieldProblem("tags", f"{part}: {text}") for part, value in parts for text in unmet(rules[part], value)
        )


def _of_meaning(connection: Connection, request: JobRequest, *, wrong: Collection[str]) -> Iterator[FieldProblem]:
    """Yield problems that field rules do not cover. A name that is *wrong* is not looked up, as its query may fail."""
    if "job_name" not in wrong and BatchJob.objects.using_name(connection.pk, request.job_name).exists():
        yield FieldProblem("job_name", f"The job name {request.job_name} is already in use.")
    if reason := refusal(request.model_id, connection.region):
        yield FieldProblem("model_id", reason)
    model = catalogue.find_model(request.model_id)
    if model and request.model_invocation_type == "Converse" and not takes_converse(model):
        yield FieldProblem("model_invocation_type", f"{model.name} does not take Converse requests.")
    account, here = "".join(request.role_arn.split(":")[4:5]), account_id(connection)
    if account and account != here:
        yield FieldProblem("role_arn", f"This role belongs to account {account}. The job runs in account {here}.")
    if bool(request.subnet_ids) != bool(request.security_group_ids):
        missing = "security_group_ids" if request.subnet_ids else "subnet_ids"
        yield FieldProblem(missing, "Subnets and security groups are required together.")
    yield from _of_connection(connection, request)


def _of_connection(connection: Connection, request: JobRequest) -> Iterator[FieldProblem]:
    """Yield what the connection does not allow."""
    for check in (
        partial(require_input, connection, request.input_s3_uri),
        partial(require_places, connection, output=request.output_s3_uri),
        partial(require_model, connection, request.model_id),
        partial(require_service_role, connection, request.role_arn),
    ):
        try:
            check()
        except NotAllowed as error:
            yield FieldProblem(error.field, f"{error.message} {error.hint}")
