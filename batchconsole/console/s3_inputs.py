"""What keeps an object in S3 from being the input of a batch job, in words a person can act on.

The rules are Bedrock's: it reads files whose name ends in ``.jsonl``, with at least one record, out of storage classes
that can be read at once. These end a job, so such an object cannot be chosen. Its size is another matter: the limit is
a quota, differs between models and can be raised, so a large file is only warned of.
"""

from dataclasses import dataclass

from django.template.defaultfilters import filesizeformat

from batchconsole.aws.s3 import ARCHIVES, S3Object
from batchconsole.jobs.limits import Limits

SUFFIX = ".jsonl"


@dataclass(frozen=True)
class Hindrance:
    """Why an object is no input. ``is_final`` says that a job of it would fail for certain."""

    text: str
    advice: str
    is_final: bool = True


def hindrance(item: S3Object, limits: Limits) -> Hindrance | None:
    """What is wrong with *item* as input of a job with these *limits*, ``None`` when nothing is known."""
    if item.key.endswith(".out"):
        return Hindrance("Output of a job, not input.", "Enter a file whose name ends in .jsonl.")
    if not item.key.endswith(SUFFIX):
        return Hindrance("Not a .jsonl file.", "Amazon Bedrock reads only files whose names end in .jsonl.")
    if not item.size:
        return Hindrance("Empty file.", "Enter a file with a record on each line.")
    if item.is_archived:
        return Hindrance(f"Archived in {ARCHIVES[item.storage_class]}.", "Restore it in S3 first, or enter a copy.")
    return _too_large(item, limits)


def _too_large(item: S3Object, limits: Limits) -> Hindrance | None:
    for limit, of in ((limits.bytes_per_job, "job"), (limits.bytes_per_file, "file")):
        if item.size > limit:
            text = f"Larger than the {filesizeformat(limit)} that a {of} may have."
            return Hindrance(text, "Split it into several files, or have the quota raised.", is_final=False)
    return None
