"""Merge .jsonl files in S3 into one input: started by a person, written by the step that makes input."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from django.db import transaction

from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.inputs.media_of_merges import MergedMedia
from batchconsole.jobs.leases import Lease
from batchconsole.jobs.models import Actor, Connection, MadeInput, Right
from batchconsole.jobs.patience import all_of
from batchconsole.jobs.rights.access import require, require_places
from batchconsole.jobs.s3.input_objects import Reader
from batchconsole.jobs.s3.storage import S3Object, Storage
from batchconsole.jobs.signals import nudge
from batchconsole.records import merging
from batchconsole.records.families import FAMILIES
from batchconsole.records.files import InputFile
from batchconsole.records.media import MAY_REFER, MediaRefused, media_of, with_uris
from batchconsole.records.media_census import Census
from batchconsole.records.merging import CannotMerge, MergedRecord
from batchconsole.records.splitting import CannotSplit

MOST_FILES = 200
HEAD_BYTES = 256 * 1024
AT_ONCE_BYTES = 4 * 2**20  # of files that are merged while a page waits: about a second
CONVERSE = "converse"


class _Version(NamedTuple):
    """An object in the version that was chosen."""

    key: str
    size: int
    etag: str


def start_merge(
    connection: Connection,
    actor: Actor,
    *,
    uris: Sequence[str],
    output_s3_uri: str,
    prefixes: bool = False,
    copies_media: bool = False,
    request_token: str = "",
) -> MadeInput:
    """Schedule the merging of the objects *uris*, in this order, into *output_s3_uri*.

    *prefixes* puts the name of its file before each recordId; without it, repeated recordIds are refused. With
    *copies_media*, media in S3 are copied beside the merged file; without it, what would be copied is told. Raises
    NotAllowed, ObjectInUse, AwsError, and :class:`UserError` if the files do not have one format.
    """
    found = _look_at(connection, actor, uris)
    require_places(connection, input=output_s3_uri)
    Storage(connection, actor).require_replacing(*parse_s3_uri(output_s3_uri))
    if output_s3_uri in uris:
        raise UserError("The merged file cannot replace one of its files.", "output_s3_uri", "Enter another name.")
    try:
        formats = merging.common_formats({name: merging.formats_of(name, head) for name, head, _ in found})
    except CannotMerge as error:
        raise UserError(str(error), "files", error.hint) from error
    asked = {
        "files": [_version(uri, item) for uri, (_, _, item) in zip(uris, found, strict=True)],
        "prefixes": prefixes,
        "formats": sorted(formats),
        "copies_media": copies_media,
        "may_have_media": copies_media or any(MAY_REFER.search(head) for _, head, _ in found),
    }
    with transaction.atomic():
        made: MadeInput = MadeInput.objects.create(
            connection=connection,
            created_by=actor,
            source_name=f"{len(uris)} files",
            source_size=2 * sum(item.size for _, _, item in found),  # to compare, and to write
            merged_files=asked,
            output_s3_uri=output_s3_uri,
            request_token=request_token,
        )
        if not is_small(made):
            nudge("make_input", made.pk)
    return made


def _version(uri: str, item: S3Object) -> dict[str, str | int]:
    return {"s3_uri": uri, "etag": item.etag, "size": item.size}


def is_small(made: MadeInput) -> bool:
    """Whether the files of *made* are merged while the page waits; its worker is not nudged then."""
    return made.source_size <= 2 * AT_ONCE_BYTES and not made.merged_files["may_have_media"]


def _look_at(connection: Connection, actor: Actor, uris: Sequence[str]) -> list[tuple[str, bytes, S3Object]]:
    """Return the name, the beginning and the object of each of *uris*. Raises UserError, NotAllowed and AwsError."""
    if not 1 < len(uris) <= MOST_FILES or len(set(uris)) < len(uris):
        raise UserError(f"Choose 2 to {MOST_FILES} files.", "files")
    require(actor, Right.READ, connection)
    storage = Storage(connection, None)  # the threads must not ask for rights, which the database knows
    questions: list[Callable[[], tuple[str, bytes, S3Object]]] = [partial(_beginning, storage, uri) for uri in uris]
    return all_of(questions)


def _beginning(storage: Storage, uri: str) -> tuple[str, bytes, S3Object]:
    bucket, key = parse_s3_uri(uri)
    if not key.endswith(".jsonl"):
        raise UserError(f"{uri} is no .jsonl file.", "files", "Choose files whose names end in .jsonl.")
    item = storage.head(bucket, key)
    end = min(item.size, HEAD_BYTES)
    head = storage.read_range(bucket, key, end=end, etag=item.etag) if end else b""
    return key, head, item


def records_of(made: MadeInput, lease: Lease, read: Callable[[int], None]) -> Iterator[MergedRecord]:
    """Yield the records to write for *made*; *read* gets the number of bytes of each read.

    1. Compare the recordIds, and see what the records refer to in S3.
    2. Copy that beside the merged file, if it lies elsewhere and that was chosen.
    3. Yield the records, with the URIs of the copies.

    Raises AwsError, also if a file has changed, and :class:`UserError` for repeated recordIds and media.
    """
    asked: dict[str, Any] = made.merged_files
    files = [_file(made.connection, each) for each in asked["files"]]
    formats = asked["formats"]
    family = FAMILIES.get(CONVERSE if CONVERSE in formats else formats[0]) if formats else None
    census = Census(family)
    try:
        merging.require_distinct(files, prefixes=asked["prefixes"], progress=read, look=census.look)
        uris = MergedMedia(made, lease, census).copied() if census.places else {}

        def moved(line: bytes) -> bytes:
            return with_uris(line, media_of(line, family), uris) if uris else line

        yield from merging.merge(files, prefixes=asked["prefixes"], progress=read, moved=moved)
    except (CannotMerge, CannotSplit, MediaRefused) as error:
        raise UserError(str(error), hint=error.hint) from error


def _file(connection: Connection, asked: dict[str, Any]) -> InputFile:
    bucket, key = parse_s3_uri(asked["s3_uri"])
    item = _Version(key, asked["size"], asked["etag"])
    return InputFile(key, item.size, partial(Reader(connection.target, bucket).open, item))
