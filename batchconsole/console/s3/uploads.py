"""What holds for every upload to S3, by the form or in parts: what is not taken, and what is said when it is there."""

from django.contrib import messages
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.aws.session import Target
from batchconsole.console.kit.times import absolute
from batchconsole.console.s3.inputs import SUFFIX


def refusal(target: Target, bucket: str, key: str, *, size: int, may_replace: bool) -> str:
    """Why a file of *size* bytes is not taken, and what to do; empty when it is."""
    name = key.rpartition("/")[2]
    if not size:
        return f"{name} is empty: there is nothing in it to upload. Check the file."
    if may_replace:
        return ""
    try:
        there = s3.head_object(target, bucket, key)
    except AwsError:  # nothing is there, or S3 does not say; the upload will tell
        return ""
    age = f"{filesizeformat(there.size)}, last modified {absolute(there.last_modified)}"
    return f"{name} exists already: {age}. Check Replace files of the same name to overwrite it."


def say_uploaded(request: HttpRequest, bucket: str, key: str) -> None:
    """Tell where a file went, and whether a job will read it."""
    folder, slash, name = key.rpartition("/")
    messages.success(request, f"{name} was uploaded to s3://{bucket}/{folder}{slash}.")
    if not name.endswith(SUFFIX):
        messages.info(request, f"{name} is no input by itself: a job reads files whose names end in {SUFFIX}.")
