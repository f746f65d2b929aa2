"""Why an S3 object can't be the input of a batch job, with advice.

The rules are Bedrock's: it reads files with names that end in ``.jsonl``, with at least one record, from storage
classes with immediate access. A job that breaks them fails, so such an object can't be chosen. The size limit is
different: it is a quota that differs between models and can be raised, so a large file gets only a warning.
"""

import re
from dataclasses import dataclass

from django.template.defaultfilters import filesizeformat

from batchconsole.aws.constraints import job_constraints
from batchconsole.jobs.s3.storage import S3Object, Storage
from batchconsole.records.limits import Limits

SUFFIX = ".jsonl"
ACCEPTED = "- _ . ! * ' ( )"
REFUSED = re.compile(r"[^-!_*'().a-zA-Z0-9/]")
# The files that the console can make input from.
TABLES = (".csv", ".tsv", ".ndjson", ".parquet")


@dataclass(frozen=True)
class Hindrance:
    """Why an object can't be input. ``is_final`` means that a job with it is certain to fail."""

    text: str
    advice: str
    is_final: bool = True


def hindrance(item: S3Object, limits: Limits) -> Hindrance | None:
    """Return the problem of *item* as input for a job with these *limits*, or None if there is no known one."""
    if item.key.endswith((".out", ".jsonl.err")):
        return Hindrance("Output of a job, not input.", "Enter a file whose name ends in .jsonl.")
    if not item.key.endswith(SUFFIX):
        return Hindrance("Not a .jsonl file.", "Amazon Bedrock reads only files with names that end in .jsonl.")
    refused = refused_key(item.key)
    if refused:
        return refused
    if not item.size:
        return Hindrance("Empty file.", "Enter a file with a record on each line.")
    if item.archive:
        return Hindrance(f"Archived in {item.archive}.", "Restore it in S3 first, or enter a copy.")
    return _too_large(item, limits)


def refused_key(key: str) -> Hindrance | None:
    """Return why Bedrock rejects the location of *key*, or None if it accepts it.

    Bedrock's ``s3Uri`` pattern allows no space, ``+`` or ``%``, and no letters other than ASCII letters.
    """
    if job_constraints()["s3Uri"].matches(f"s3://bucket/{key}"):
        return None
    wrong = dict.fromkeys(REFUSED.findall(key)) or {"//": None}
    named = ", ".join("a space" if each.isspace() else each for each in wrong)
    text = f"Amazon Bedrock doesn't accept {named} in a location."
    return Hindrance(text, f"Use a name of letters, digits, and {ACCEPTED}.")


def _too_large(item: S3Object, limits: Limits) -> Hindrance | None:
    for limit, of in ((limits.bytes_per_job, "job"), (limits.bytes_per_file, "file")):
        if item.size > limit:
            text = f"Larger than the {filesizeformat(limit)} that a {of} may have."
            return Hindrance(text, "Check the input to split it, or request a quota increase.", is_final=False)
    return None


@dataclass(frozen=True)
class FolderInput:
    """The .jsonl files of a folder at all depths, as far as one call lists them; ``size`` is in bytes."""

    files: int
    size: int
    is_part: bool
    limits: Limits

    @property
    def kind(self) -> str:
        """The kind of the status: ``success``, or ``warning`` if a job would or might fail."""
        is_nothing = not self.files and not self.is_part
        return "warning" if is_nothing or self.size > self.limits.bytes_per_job else "success"

    @property
    def text(self) -> str:
        if not self.files:
            where = "among the first objects of this folder" if self.is_part else "in this folder"
            return f"No .jsonl file {where}."
        more = "+" if self.is_part else ""
        text = f"{self.files:,}{more} .jsonl file{'' if self.files == 1 and not more else 's'}"
        text += f", {filesizeformat(self.size)}{more}"
        too_much = self.size > self.limits.bytes_per_job
        return (
            f"{text}: more than the {filesizeformat(self.limits.bytes_per_job)} of a job." if too_much else f"{text}."
        )


def folder_input(storage: Storage, bucket: str, folder: str, limits: Limits) -> FolderInput:
    """Return what a job would read in *folder*, based on its first thousand objects. Raises AwsError and NotAllowed."""
    listing = storage.listing(bucket, folder, delimiter="")
    sizes = [item.size for item in listing.objects if item.key.endswith(SUFFIX)]
    return FolderInput(len(sizes), sum(sizes), bool(listing.next_token), limits)
