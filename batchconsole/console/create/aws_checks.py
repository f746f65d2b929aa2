"""What AWS knows of the values of a create form: its places in S3, its key, its network, its role.

A field gets an error where the job could not work, and a warning where AWS has the last word: another policy may allow
what the role's own do not, a quota may be higher. AWS away or access refused is no reason to refuse the form.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from batchconsole.aws.errors import AwsError
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.console.create.forms import JobForm
from batchconsole.console.roles.access import NO_ROLE, RoleAccess, access_of
from batchconsole.console.s3.inputs import hindrance
from batchconsole.jobs import account
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Actor
from batchconsole.jobs.storage import S3Object, Storage

Doubt = AwsError | UserError  # why something could not be found out

NO_BUCKET = {"NoSuchBucket", "404", "NotFound"}
# What KMS answers for a key or an alias that is not there.
NO_KEY = {"NotFoundException", "InvalidArnException"}


def check_form(form: JobForm, actor: Actor) -> list[Doubt]:
    """Add what AWS knows to the fields of a form without errors; return what could not be found out."""
    doubts: list[Doubt] = []
    for name in CHECKS:
        error = check_field(form, name, actor)
        if error:
            doubts.append(error)
        if error and error.retryable:  # AWS is away or takes no credentials: the next call would wait as long
            break
    if not doubts and not form.errors and not form.makes_role:
        warn_of_role(form, access_of(form, form.connection, actor))
    return doubts


def check_field(form: JobForm, name: str, actor: Actor) -> Doubt | None:
    """Add what AWS knows of one field's value; return the reason where it could not be found out."""
    if name in CHECKS and form.cleaned_data.get(name):
        try:
            CHECKS[name](form, actor)
        except (AwsError, UserError) as error:
            return error
    return None


@dataclass(frozen=True)
class _Found:
    """What lies at a place: a file, a folder with something in it, or nothing."""

    file: S3Object | None = None
    is_folder: bool = False


def _look(storage: Storage, uri: str) -> _Found:
    bucket, key = parse_s3_uri(uri)
    listing = storage.listing(bucket, key, max_keys=1)
    first = next(iter(listing.objects), None)
    if first and first.key == key and not key.endswith("/"):
        return _Found(file=first)
    if key and not key.endswith("/"):  # input/rec is no place, however many names begin with it
        listing = storage.listing(bucket, f"{key}/", max_keys=1)
    return _Found(is_folder=bool(listing.objects or listing.folders))


def _check_input(form: JobForm, actor: Actor) -> None:
    uri, found = form.cleaned_data["input_s3_uri"], _look_up(form, "input_s3_uri", actor)
    if found is None:
        return
    if found.file:
        obstacle = hindrance(found.file, form.limits)
        if obstacle and obstacle.is_final:
            form.add_error("input_s3_uri", f"{obstacle.text} {obstacle.advice}")
        elif obstacle:
            form.warn("input_s3_uri", f"{obstacle.text} {obstacle.advice}")
    elif not found.is_folder:
        form.add_error("input_s3_uri", f"There is nothing at {uri}. Enter a .jsonl file, or a folder that holds some.")


def _check_output(form: JobForm, actor: Actor) -> None:
    uri, found = form.cleaned_data["output_s3_uri"], _look_up(form, "output_s3_uri", actor)
    if found and (found.file or uri.endswith(".jsonl")):
        form.warn("output_s3_uri", f"This is a file. Results are written to a folder, here {uri}/. Enter a folder.")
    if _is_within(uri, form.cleaned_data.get("input_s3_uri") or ""):
        form.warn(
            "output_s3_uri",
            "This folder is inside the input folder, so results would mix with the input. Choose another folder.",
        )


def _is_within(uri: str, folder: str) -> bool:
    """Whether *uri* is the input folder or lies in it; the folder of a single file is nobody's input."""
    return bool(folder) and not folder.endswith(".jsonl") and f"{uri.rstrip('/')}/".startswith(f"{folder.rstrip('/')}/")


def _look_up(form: JobForm, name: str, actor: Actor) -> _Found | None:
    """What lies there, with what is to be said of its bucket; ``None`` when there is no bucket."""
    storage, here = Storage(form.connection, actor), form.connection.region
    bucket, _ = parse_s3_uri(form.cleaned_data[name])
    try:
        region = storage.bucket_region(bucket)
        found = _look(storage, form.cleaned_data[name])
    except AwsError as error:
        if error.code not in NO_BUCKET:
            raise
        form.add_error(name, f"The bucket {bucket} does not exist. Check its name, or choose one with Browse S3.")
        return None
    if region not in ("", here):
        form.warn(name, f"The bucket {bucket} is in {region}, the job will run in {here}. Use a bucket in {here}.")
    return found


def _check_owner(form: JobForm, actor: Actor, *, name: str, of: str) -> None:
    """An owner that S3 does not take for this bucket; AWS refuses such a job when it starts to read or write."""
    uri, owner = form.cleaned_data.get(of), form.cleaned_data[name]
    if uri:
        bucket, _ = parse_s3_uri(uri)
        storage = Storage(form.connection, actor)
        storage.listing(bucket, max_keys=1)  # a bucket we may not see tells nothing of its owner
        try:
            storage.listing(bucket, max_keys=1, owner=owner)
        except AwsError:
            words = f"The bucket {bucket} does not belong to account {owner}. Enter its owner, or leave this empty."
            form.warn(name, words)


def _check_key(form: JobForm, actor: Actor) -> None:
    key_id = form.cleaned_data["output_kms_key_id"]
    try:
        key = account.describe_key(form.connection, actor, key_id=key_id)
    except AwsError as error:
        if error.code in NO_KEY:
            form.warn(
                "output_kms_key_id", f"KMS knows no key {key_id} in this account and region. Choose one from the list."
            )
            return
        if error.code == "AccessDeniedException":  # kms:DescribeKey is for this check only
            return
        raise
    if not key.is_enabled:
        words = f"The key is not enabled: KMS says {key.state}. Enable it in KMS, or choose another key."
        form.add_error("output_kms_key_id", words)
    elif not key.encrypts_objects:
        words = "S3 cannot encrypt with this key. Choose a symmetric key for encryption and decryption."
        form.add_error("output_kms_key_id", words)


def _check_network(form: JobForm, actor: Actor) -> None:
    """Subnets and security groups of more than one VPC, as far as they are known."""
    connection, chosen = form.connection, form.cleaned_data
    subnets = {item.subnet_id: item.vpc_id for item in account.list_subnets(connection, actor)}
    groups = {item.group_id: item.vpc_id for item in account.list_security_groups(connection, actor)}
    of = {
        item: (subnets | groups).get(item, "")
        for name in ("subnet_ids", "security_group_ids")
        for item in chosen.get(name, [])
    }
    vpcs = sorted({vpc for vpc in of.values() if vpc})
    if len(vpcs) > 1:
        places = ", ".join(f"{item} is in {vpc}" for item, vpc in of.items() if vpc)
        form.add_error("security_group_ids", f"Choose subnets and security groups of one VPC: {places}.")


def warn_of_role(form: JobForm, access: RoleAccess) -> None:
    """Say at its field what IAM has against the role."""
    name = form.cleaned_data["role_arn"].rpartition("/")[2]
    if access.error and access.error.code == NO_ROLE:
        form.warn("role_arn", f"IAM has no role {name}. Choose one from the list, or create a new service role.")
    elif access.refused:
        lacks = ", ".join(f"{answer.action} on {answer.place}" for answer in access.refused)
        words = "The job will fail unless a bucket policy allows it. Add the permissions to the role in IAM."
        form.warn("role_arn", f"The role {name} lacks {lacks}. {words}")


CHECKS: dict[str, Callable[[JobForm, Actor], None]] = {
    "input_s3_uri": _check_input,
    "output_s3_uri": _check_output,
    "input_bucket_owner": partial(_check_owner, name="input_bucket_owner", of="input_s3_uri"),
    "output_bucket_owner": partial(_check_owner, name="output_bucket_owner", of="output_s3_uri"),
    "output_kms_key_id": _check_key,
    "security_group_ids": _check_network,
}
