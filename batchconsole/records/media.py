"""The S3 objects that records refer to: images, videos and documents that Bedrock reads beside the records.

All of them must lie in the folder that is the input location of the job, which then cannot be a single file. Source:
https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-data.html, the warning about S3 URIs in prompts.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from batchconsole.records.families import AnyFamily
from batchconsole.records.families.paths import steps

# What S3 keys of an input may consist of. Source: the pattern of s3Uri in botocore's model of Bedrock.
NOT_IN_KEYS = re.compile(r"[^-!_*'().a-zA-Z0-9]+")
LONGEST_NAME = 120
FOLDER = "media/"  # of copies, below an input location
# By how many characters the location of a copy is longer than its folder's URI, at most: a name, and a bucket owner.
LONGEST_COPY = len(FOLDER) + 17 + LONGEST_NAME + len(".media") + 32
SCHEME = "s3://"
INPUT_ENDINGS = (".jsonl", ".out")  # of objects that Bedrock would read as records, or skip

MAY_REFER = re.compile(rb"s3Location|s3:(?:\\?/){2}")
_BODY, _S3_LOCATION = "modelInput", "s3Location"
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_encode = msgspec.json.encode


class Reference(NamedTuple):
    """An S3 location in a record: its members and indices from the line's own object on, its URI and bucket owner."""

    steps: tuple[str, ...]
    uri: str
    owner: str = ""


class MediaRefused(ValueError):
    """Objects that records refer to cannot be used; ``str(error)`` says which and why, ``hint`` what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def media_of(line: bytes, family: AnyFamily | None) -> list[Reference]:
    """Return what the record in *line* refers to in S3; nothing if the line cannot be read.

    A body of another format than *family*'s is searched for the members that every format of Bedrock uses.
    """
    if not MAY_REFER.search(line):
        return []
    try:
        body: Any = msgspec.json.decode(line)[_BODY]
    except (*_UNREADABLE, TypeError, KeyError):
        return []
    if family is not None:
        try:
            parsed: Any = family.parse(body)
            places = [steps(path)[:-1] for path, _ in family.media(parsed)]
            return [_reference(_at(body, place), (_BODY, *place)) for place in places]
        except msgspec.ValidationError:
            pass
    return list(_locations(body, (_BODY,)))


def _at(value: Any, place: list[str]) -> Any:
    for step in place:
        value = value[int(step) if isinstance(value, list) else step]
    return value


def _reference(location: dict[str, Any], place: tuple[str, ...]) -> Reference:
    return Reference(place, location["uri"], str(location.get("bucketOwner") or ""))


def _locations(value: Any, place: tuple[str, ...]) -> Iterator[Reference]:
    if isinstance(value, dict):
        location = value.get(_S3_LOCATION)
        if isinstance(location, dict) and isinstance(location.get("uri"), str):
            yield _reference(location, (*place, _S3_LOCATION))
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from _locations(item, (*place, str(name)))


def with_uris(line: bytes, references: Sequence[Reference], uris: Mapping[str, str], *, owner: str = "") -> bytes:
    """Return *line* with the URIs of its *references* replaced as *uris* says; other values keep their bytes.

    *owner* is the account of the new URIs' bucket, if it is to be named; within a bucket, the record's own stays.
    """
    for reference in references:
        new = uris.get(reference.uri, reference.uri)
        if new != reference.uri:
            said = reference.owner if bucket_of(new) == bucket_of(reference.uri) else owner
            location = {"uri": new} | ({"bucketOwner": said} if said else {})
            line = _replaced(line, reference.steps, location)
    return line


def _replaced(raw: bytes, place: tuple[str, ...], value: object) -> bytes:
    if not place:
        return _encode(value)
    if raw.lstrip()[:1] == b"[":
        items = msgspec.json.decode(raw, type=list[msgspec.Raw])
        items[int(place[0])] = msgspec.Raw(_replaced(bytes(items[int(place[0])]), place[1:], value))
        return _encode(items)
    members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    members[place[0]] = msgspec.Raw(_replaced(bytes(members[place[0]]), place[1:], value))
    return _encode(members)


def bucket_of(uri: str) -> str:
    return uri.removeprefix(SCHEME).partition("/")[0]


def copy_name(uri: str, etag: str) -> str:
    """Return the name of the copy of the object *uri* in the version *etag*.

    Objects with equal names in different folders, and versions of one object, have different copies. So a copy that
    exists with the right size needs no second one.
    """
    digest = hashlib.sha256(f"{uri}\n{etag}".encode()).hexdigest()[:16]
    name = NOT_IN_KEYS.sub("-", uri.rpartition("/")[2])[-LONGEST_NAME:]
    return f"{digest}-{name}{'.media' if name.endswith(INPUT_ENDINGS) else ''}"


def is_below(uri: str, folder: str) -> bool:
    """Whether the object *uri* lies in *folder*, the input location of a job."""
    return uri.startswith(folder.rstrip("/") + "/")
