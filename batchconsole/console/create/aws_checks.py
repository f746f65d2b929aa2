"""Check the values of a create form against AWS: its S3 locations, KMS key, network and service role.

A field gets an error if the job cannot work, and a warning if only AWS can decide: another policy may allow what the
role's own policies do not, or a quota may be higher. The form is not refused because AWS is unreachable or denies
access. All calls run concurrently in other threads, which use neither the form nor the database.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from batchconsole.aws.errors import AwsError
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.console.create.forms import JobForm
from batchconsole.console.roles.access import NO_ROLE, RoleAccess, access_of
from batchconsole.console.s3.inputs import hindrance
from batchconsole.jobs import account
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Actor, Connection, Right
from batchconsole.jobs.patience import all_of, at_once
from batchconsole.jobs.queue.limits import limits_for
from batchconsole.jobs.rights.access import require
from batchconsole.jobs.s3.storage import S3Object, Storage
from batchconsole.records.limits import Limits

Doubt = AwsError | UserError  # why something could not be checked

PLACES = ("input_s3_uri", "output_s3_uri")
NO_BUCKET = {"NoSuchBucket", "404", "NotFound"}
# KMS's error codes for a key or an alias that does not exist.
NO_KEY = {"NotFoundException", "InvalidArnException"}


@dataclass(frozen=True)
class Finding:
    """An error or a warning for a field."""

    field: str
    words: str
    is_error: bool = False


@dataclass(frozen=True)
class Asked:
    """What the checks need from a cleaned form. The user's right to submit has been checked before."""

    connection: Connection
    fields: dict[str, Any]
    limits: Limits
    limits_of_others: dict[str, Limits]  # by model, of the models to compare with

    @classmethod
    def of(cls, form: JobForm) -> "Asked":
        others = {each: limits_for(form.connection, each) for each in form.cleaned_data.get("other_model_ids") or []}
        return cls(form.connection, dict(form.cleaned_data), form.limits, others)

    @property
    def storage(self) -> Storage:
        return Storage(self.connection, None)


Answer = list[Finding]
Question = Callable[[], Answer]


def check_form(form: JobForm, actor: Actor) -> list[Doubt]:
    """Add errors and warnings from AWS to the fields of a valid form; return the reasons for checks that failed."""
    try:
        require(actor, Right.SUBMIT, form.connection)
    except UserError as error:
        return [error]
    asked = Asked.of(form)
    names = [name for name in CHECKS if asked.fields.get(name)]
    ask_role = RoleAccess if form.makes_role else access_of(form, form.connection, None)
    *answers, access = at_once([*_questions(asked, names), ask_role])
    doubts = _say(form, answers)
    if not doubts and not form.errors and isinstance(access, RoleAccess):
        warn_of_role(form, access)
    return doubts


def check_field(form: JobForm, name: str, actor: Actor) -> Doubt | None:
    """Add errors and warnings from AWS to one field; return the reason if the check itself failed, else None."""
    if name not in CHECKS or not form.cleaned_data.get(name):
        return None
    try:
        require(actor, Right.SUBMIT, form.connection)
    except UserError as error:
        return error
    doubts = _say(form, at_once(_questions(Asked.of(form), [name])))
    return next(iter(doubts), None)


def _questions(asked: Asked, names: Iterable[str]) -> list[Callable[[], Answer | UserError]]:
    """Return the checks for the fields *names*; a bucket used by both locations is checked once."""
    buckets: dict[str, list[str]] = {}
    for name in names:
        if name in PLACES:
            buckets.setdefault(parse_s3_uri(asked.fields[name])[0], []).append(name)
    of_buckets = [partial(_check_bucket, asked, bucket, fields) for bucket, fields in buckets.items()]
    questions = [*of_buckets, *(partial(CHECKS[name], asked) for name in names)]
    return [partial(_allowed, question) for question in questions]


def _allowed(question: Question) -> Answer | UserError:
    """Return the answer to *question*, or the UserError that it raises."""
    try:
        return question()
    except UserError as error:
        return error


def _say(form: JobForm, answers: Iterable[Any]) -> list[Doubt]:
    """Add the findings to the form's fields; return the errors of checks that failed."""
    doubts: list[Doubt] = []
    for answer in answers:
        if isinstance(answer, AwsError | UserError):
            doubts.append(answer)
            continue
        for found in answer:
            (form.add_error if found.is_error else form.warn)(found.field, found.words)
    return doubts


def _check_bucket(asked: Asked, bucket: str, fields: list[str]) -> Answer:
    try:
        region = asked.storage.bucket_region(bucket)
    except AwsError as error:
        if error.code not in NO_BUCKET:
            raise
        words = f"The bucket {bucket} does not exist. Check its name, or choose one with Browse S3."
        return [Finding(field, words, is_error=True) for field in fields]
    here = asked.connection.region
    if region in ("", here):
        return []
    words = f"The bucket {bucket} is in {region}, the job will run in {here}. Use a bucket in {here}."
    return [Finding(field, words) for field in fields]


@dataclass(frozen=True)
class _Found:
    """What is at an S3 location: a file, a folder that is not empty, or nothing."""

    file: S3Object | None = None
    is_folder: bool = False


def _look(storage: Storage, uri: str) -> _Found | None:
    """Return what is at *uri*, or None if the bucket does not exist: ``_check_bucket`` reports that."""
    bucket, key = parse_s3_uri(uri)
    try:
        listing = storage.listing(bucket, key, max_keys=1)
        first = next(iter(listing.objects), None)
        if first and first.key == key and not key.endswith("/"):
            return _Found(file=first)
        if key and not key.endswith("/"):  # a mere prefix of names, such as input/rec, is not a folder
            listing = storage.listing(bucket, f"{key}/", max_keys=1)
    except AwsError as error:
        if error.code not in NO_BUCKET:
            raise
        return None
    return _Found(is_folder=bool(listing.objects or listing.folders))


def _check_input(asked: Asked) -> Answer:
    uri = asked.fields["input_s3_uri"]
    found = _look(asked.storage, uri)
    if found is None or found.is_folder:
        return []
    if not found.file:
        words = f"There is nothing at {uri}. Enter a .jsonl file, or a folder that holds some."
        return [Finding("input_s3_uri", words, is_error=True)]
    obstacle = hindrance(found.file, asked.limits)
    if obstacle is None:
        return [*_too_large_for_others(asked, found.file)]
    return [Finding("input_s3_uri", f"{obstacle.text} {obstacle.advice}", is_error=obstacle.is_final)]


def _too_large_for_others(asked: Asked, file: S3Object) -> Iterator[Finding]:
    """Yield a finding for each other model whose limits the input exceeds."""
    for model_id, limits in asked.limits_of_others.items():
        obstacle = hindrance(file, limits)
        if obstacle:
            yield Finding("other_model_ids", f"{model_id}: {obstacle.text} {obstacle.advice}")


def _check_output(asked: Asked) -> Answer:
    uri, said = asked.fields["output_s3_uri"], []
    found = _look(asked.storage, uri)
    if found and (found.file or uri.endswith(".jsonl")):
        said.append(f"This is a file. Results are written to a folder, here {uri}/. Enter a folder.")
    if _is_within(uri, asked.fields.get("input_s3_uri") or ""):
        said.append(
            "This folder is inside the input folder, so results would mix with the input. Choose another folder."
        )
    return [Finding("output_s3_uri", words) for words in said]


def _is_within(uri: str, folder: str) -> bool:
    """Whether *uri* is the input folder or is inside it; False if the input *folder* is a single ``.jsonl`` file."""
    return bool(folder) and not folder.endswith(".jsonl") and f"{uri.rstrip('/')}/".startswith(f"{folder.rstrip('/')}/")


def _check_owner(asked: Asked, *, name: str, of: str) -> Answer:
    """Warn of an owner that S3 does not accept for the bucket: AWS would fail the job when it reads or writes."""
    uri, owner = asked.fields.get(of), asked.fields[name]
    if not uri:
        return []
    bucket, _ = parse_s3_uri(uri)
    ask = partial(asked.storage.listing, bucket, max_keys=1)
    seen, owned = at_once([ask, partial(ask, owner=owner)])
    if isinstance(seen, AwsError):  # a bucket that cannot be listed reveals nothing about its owner
        raise seen
    if not isinstance(owned, AwsError):
        return []
    words = f"The bucket {bucket} does not belong to account {owner}. Enter its owner, or leave this empty."
    return [Finding(name, words)]


def _check_key(asked: Asked) -> Answer:
    name = "output_kms_key_id"
    key_id = asked.fields[name]
    try:
        key = account.describe_key(asked.connection, None, key_id=key_id)
    except AwsError as error:
        if error.code in NO_KEY:
            words = f"KMS knows no key {key_id} in this account and region. Choose one from the list."
            return [Finding(name, words)]
        if error.code == "AccessDeniedException":  # only this check needs kms:DescribeKey
            return []
        raise
    if not key.is_enabled:
        words = f"The key is not enabled: KMS says {key.state}. Enable it in KMS, or choose another key."
        return [Finding(name, words, is_error=True)]
    if not key.encrypts_objects:
        words = "S3 cannot encrypt with this key. Choose a symmetric key for encryption and decryption."
        return [Finding(name, words, is_error=True)]
    return []


def _check_network(asked: Asked) -> Answer:
    """Report subnets and security groups of more than one VPC; ignore those whose VPC is unknown."""
    vpc_of = all_of([partial(_vpcs_of_subnets, asked.connection), partial(_vpcs_of_groups, asked.connection)])
    known = vpc_of[0] | vpc_of[1]
    of = {
        item: known.get(item, "")
        for name in ("subnet_ids", "security_group_ids")
        for item in asked.fields.get(name, [])
    }
    if len({vpc for vpc in of.values() if vpc}) < 2:
        return []
    places = ", ".join(f"{item} is in {vpc}" for item, vpc in of.items() if vpc)
    words = f"Choose subnets and security groups of one VPC: {places}."
    return [Finding("security_group_ids", words, is_error=True)]


def _vpcs_of_subnets(connection: Connection) -> dict[str, str]:
    return {item.subnet_id: item.vpc_id for item in account.list_subnets(connection, None)}


def _vpcs_of_groups(connection: Connection) -> dict[str, str]:
    return {item.group_id: item.vpc_id for item in account.list_security_groups(connection, None)}


def warn_of_role(form: JobForm, access: RoleAccess) -> None:
    """Add warnings to the role's field: IAM does not know the role, or the role lacks permissions."""
    name = form.cleaned_data["role_arn"].rpartition("/")[2]
    if access.error and access.error.code == NO_ROLE:
        form.warn("role_arn", f"IAM has no role {name}. Choose one from the list, or create a new service role.")
    elif access.refused:
        lacks = ", ".join(f"{answer.action} on {answer.place}" for answer in access.refused)
        words = "The job will fail unless a bucket policy allows it. Add the permissions to the role in IAM."
        form.warn("role_arn", f"The role {name} lacks {lacks}. {words}")


CHECKS: dict[str, Callable[[Asked], Answer]] = {
    "input_s3_uri": _check_input,
    "output_s3_uri": _check_output,
    "input_bucket_owner": partial(_check_owner, name="input_bucket_owner", of="input_s3_uri"),
    "output_bucket_owner": partial(_check_owner, name="output_bucket_owner", of="output_s3_uri"),
    "output_kms_key_id": _check_key,
    "security_group_ids": _check_network,
}
