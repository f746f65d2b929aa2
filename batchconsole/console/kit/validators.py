"""Validators that apply the API's rules, with messages in the wording of Cloudscape and AWS."""

import re
from collections.abc import Callable

from django.core.exceptions import ValidationError

from batchconsole.aws.constraints import Constraint, job_constraints

Validator = Callable[[str], None]

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
BUCKET_LENGTH = range(3, 64)
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]*[a-z0-9]")
IP_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
ROLE_NAME = Constraint(min=1, max=64, pattern=r"[\w+=,.@-]+")


def api_rule(name: str, message: str, *, too_long: str = "") -> Validator:
    """Return a validator for the field *name* of CreateModelInvocationJob."""
    return rule(job_constraints()[name], message, too_long=too_long)


def rule(constraint: Constraint, message: str, *, too_long: str = "") -> Validator:
    """Return a validator for text. ``{count}`` and ``{max}`` in *too_long* are filled in."""

    def validate(value: str) -> None:
        if constraint.max is not None and len(value) > constraint.max:
            words = too_long or message
            raise ValidationError(words.format(count=len(value), max=constraint.max), code="max_length")
        if len(value) < (constraint.min or 0) or not constraint.matches(value):
            raise ValidationError(message, code="invalid")

    return validate


def validate_s3_uri(value: str) -> None:
    """Validate an S3 URI by Bedrock's rules; the error message gives the reason instead of the pattern."""
    if not value.startswith("s3://"):
        raise ValidationError(f"The path must begin with s3://{_as_in(value)}", code="scheme")
    bucket, _, key = value.removeprefix("s3://").partition("/")
    validate_bucket_name(bucket)
    constraint = job_constraints()["s3Uri"]
    if constraint.max is not None and len(value) > constraint.max:
        raise ValidationError(
            f"The S3 URI has too many characters. Character count: {len(value)}/{constraint.max}", code="max_length"
        )
    if not constraint.matches(value):
        raise ValidationError(_what_is_wrong_with(key), code="invalid")


def _as_in(value: str) -> str:
    """Return an example for the message: *value* with the missing prefix if that is valid, else a general one."""
    meant = f"s3://{value.lstrip('/')}"
    try:
        validate_s3_uri(meant)
    except ValidationError:
        return ", as in s3://bucket/prefix."
    return f", as in {meant}."


def validate_bucket_name(bucket: str) -> None:
    """Validate a bucket name by S3's rules, the most common mistakes first."""
    if bucket != bucket.lower():
        raise ValidationError("The bucket name must not contain uppercase characters.", code="bucket")
    if bucket and not re.match(r"[a-z0-9]", bucket):
        raise ValidationError("The bucket name must start with a lowercase character or number.", code="bucket")
    if len(bucket) not in BUCKET_LENGTH:
        raise ValidationError("The bucket name length must be from 3 to 63 characters.", code="bucket")
    if not BUCKET.fullmatch(bucket) or ".." in bucket or IP_ADDRESS.fullmatch(bucket):
        raise ValidationError("The bucket name must comply with DNS naming conventions.", code="bucket")


def _what_is_wrong_with(key: str) -> str:
    if key.startswith("/") or "//" in key:
        return "The path must not contain empty folders (//). Bedrock does not accept them."
    bad = sorted(set(re.sub(r"[-!_*'().a-zA-Z0-9/]", "", key)))
    shown = ", ".join("a space" if character == " " else character for character in bad[:5])
    return (
        f"Bedrock does not accept {shown} in a path. "
        "Valid characters are a-z, A-Z, 0-9, and the following: ! - _ . * ' ( ) /"
    )
