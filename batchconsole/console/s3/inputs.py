"""What keeps an object in S3 from being the input of a batch job, in words a person can act on.

The rules are Bedrock's: it reads files whose name ends in ``.jsonl``, with at least one record, out of storage classes
that can be read at once. These end a job, so such an object cannot be chosen. Its size is another matter: the limit is
a quota, differs between models and can be raised, so a large file is only warned of.
"""

import re
from dataclasses import dataclass

from django.template.defaultfilters import filesizeformat

from batchconsole.aws.constraints import job_constraints
from batchconsole.jobs.storage import S3Object, Storage
from batchconsole.records.limits import Limits

SUFFIX = ".jsonl"
ACCEPTED = "- _ . ! * ' ( )"
REFUSED = re.compile(r"[^-!_*'().a-zA-Z0-9/]")
# Of these the console can make input.
TABLES = (".csv", ".tsv", ".ndjson", ".parquet")


@dataclass(frozen=True)
class Hindrance:
    """Why an object is no input. ``is_final`` says that a job of it would fail for certain."""

    text: str
    advice: str
    is_final: bool = True


def hindrance(item: S3Object, limits: Limits) -> Hindrance | None:
    """What is wrong with *item* as input of a job with these *limits*, ``None`` when nothing is known."""
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
    """Why Bedrock does not take the location of *key*; ``None`` when it does.

    Its pattern of ``s3Uri`` knows no space, no ``+``, no ``%`` and no other letters than those of English.
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
            return Hindrance(text, "Split it into several files, or request a quota increase.", is_final=False)
    return None


@dataclass(frozen=True)
class FolderInput:
    """The .jsonl files of a folder at all depths, as far as one call tells; ``size`` in bytes."""

    files: int
    size: int
    is_part: bool
    limits: Limits

    @property
    def kind(self) -> str:
        """How it stands: ``success``, or ``warning`` where a job would fail or may."""
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
    """What a job would read in *folder*, of the first thousand objects; raises AwsError and NotAllowed."""
    listing = storage.listing(bucket, folder, delimiter="")
    sizes = [item.size for item in listing.objects if item.key.endswith(SUFFIX)]
    return FolderInput(len(sizes), sum(sizes), bool(listing.next_token), limits)
