"""What is said of every upload to S3, by the form or in parts: why it is not taken, and where it went."""

from django.contrib import messages
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat

from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.times import absolute
from batchconsole.console.s3.inputs import SUFFIX
from batchconsole.jobs.storage import EmptyFile, ObjectExists


def refusal(error: EmptyFile | ObjectExists) -> str:
    """Why a file is not taken, and what to do on this page."""
    if isinstance(error, EmptyFile):
        return sentences(error)
    item, name = error.item, error.item.key.rpartition("/")[2]
    age = f"{filesizeformat(item.size)}, last modified {absolute(item.last_modified)}"
    return f"{name} exists already: {age}. Check Replace files of the same name to overwrite it."


def say_uploaded(request: HttpRequest, bucket: str, key: str) -> None:
    """Tell where a file went, and whether a job will read it."""
    folder, slash, name = key.rpartition("/")
    messages.success(request, f"{name} was uploaded to s3://{bucket}/{folder}{slash}.")
    if not name.endswith(SUFFIX):
        messages.info(request, f"{name} can't be used as job input. A job reads files whose names end in {SUFFIX}.")
