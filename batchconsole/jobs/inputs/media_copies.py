"""Copy media that records refer to beside the records, where the job that reads them may read the media too.

S3 itself makes the copies, several at a time. A copy that exists with its size is not made again, so a worker that
takes over from a lost one repeats only the copies that were under way.
"""

import contextvars
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from itertools import islice, takewhile

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.aws.s3_addresses import SCHEME, parse_s3_uri
from batchconsole.aws.session import Target
from batchconsole.jobs.patience import all_of
from batchconsole.records.media import FOLDER, copy_name

AT_ONCE = 8  # copies
# The most bytes of one call: it takes a second or two, and who cancels the work waits for it.
CALL_BYTES = 64 * 2**20
TELL_SECONDS = 1.0
LISTED_AT_LEAST, LISTED_FOR_ONE = 5_000, 10  # objects
MISSING = frozenset({"404", "NotFound", "NoSuchKey", "NoSuchBucket"})

Objects = Mapping[str, s3.S3Object]


def find_objects(target: Target, uris: Collection[str], *, tell: Callable[[], None]) -> dict[str, s3.S3Object]:
    """Return the objects at *uris* that exist, by URI; *tell* is called now and then. Raises AwsError.

    Their folder is listed, which takes one call for a thousand objects, unless it holds far more than them.
    """
    keys = defaultdict(list)
    for uri in uris:
        bucket, key = parse_s3_uri(uri)
        keys[bucket].append(key)
    found: dict[str, s3.S3Object] = {}
    for bucket, of_bucket in keys.items():
        tell()
        folder = common_folder(of_bucket)
        with suppress(AwsError):  # who may read objects may not be allowed to list them
            listed = islice(s3.iter_objects(target, bucket, folder), LISTED_AT_LEAST + LISTED_FOR_ONE * len(of_bucket))
            for item in listed:
                tell()
                found[f"{SCHEME}{bucket}/{item.key}"] = item
    rest = [uri for uri in uris if uri not in found]
    for start in range(0, len(rest), 8 * AT_ONCE):
        tell()
        some = rest[start : start + 8 * AT_ONCE]
        answers = all_of([partial(_object_at, target, uri) for uri in some])
        found |= {uri: item for uri, item in zip(some, answers, strict=True) if item is not None}
    return {uri: found[uri] for uri in uris if uri in found}


def common_folder(keys: Collection[str]) -> str:
    """Return the prefix of the deepest folder that holds all *keys*, with a slash at its end; empty for the bucket."""
    first, last = min(keys).split("/")[:-1], max(keys).split("/")[:-1]
    same = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(f"{name}/" for name, _ in same)


def _object_at(target: Target, uri: str) -> s3.S3Object | None:
    try:
        return s3.head_object(target, *parse_s3_uri(uri))
    except AwsError as error:
        if error.code in MISSING:
            return None
        raise


def copied_uri(folder: str, uri: str, item: s3.S3Object) -> str:
    """Return the URI of the copy of the object *uri* in *folder*, the input location of a job."""
    return f"{folder.rstrip('/')}/{FOLDER}{copy_name(uri, item.etag)}"


def copy_media(target: Target, objects: Objects, *, folder: str, tell: Callable[[int], None]) -> None:
    """Copy *objects*, by URI, below *folder*; *tell* gets the number of those that are there, about once a second.

    What *tell* raises stops the work within seconds. Raises AwsError, also if an object has changed.
    """
    bucket, prefix = parse_s3_uri(folder)
    there = {item.key: item.size for item in s3.iter_objects(target, bucket, f"{prefix}{FOLDER}")}
    asked = {parse_s3_uri(copied_uri(folder, uri, item))[1]: (uri, item) for uri, item in objects.items()}
    missing = {key: pair for key, pair in asked.items() if there.get(key) != pair[1].size}
    _Copying(target, bucket, done=len(asked) - len(missing), tell=tell).run(missing.items())


class _Copying:
    """Copies under way into one bucket. Only the caller's thread tells of them, because that may use the database."""

    def __init__(self, target: Target, bucket: str, *, done: int, tell: Callable[[int], None]) -> None:
        self.target = target
        self.bucket = bucket
        self.done = done
        self.tell = tell
        self.under_way: set[Future[None]] = set()

    def run(self, copies: Iterable[tuple[str, tuple[str, s3.S3Object]]]) -> None:
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="copies") as threads:
            try:
                for key, (uri, item) in copies:
                    if item.size > CALL_BYTES:  # in parts, whose upload is noted in the database
                        self._copy(uri, item, key)
                        self.done += 1
                        continue
                    copy = partial(self._copy, uri, item, key)
                    self.under_way.add(threads.submit(contextvars.copy_context().run, copy))
                    while len(self.under_way) >= 2 * AT_ONCE:
                        self._settle()
                while self.under_way:
                    self._settle()
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                raise
        self.tell(self.done)

    def _settle(self) -> None:
        ended, self.under_way = wait(self.under_way, timeout=TELL_SECONDS, return_when=FIRST_COMPLETED)
        for each in ended:
            each.result()
        self.done += len(ended)
        self.tell(self.done)

    def _copy(self, uri: str, item: s3.S3Object, key: str) -> None:
        s3.copy_object(
            self.target,
            parse_s3_uri(uri)[0],
            item,
            to_key=key,
            to_bucket=self.bucket,
            if_unchanged=True,
            progress=lambda copied_bytes: self.tell(self.done) if item.size > CALL_BYTES else None,
            at_once=CALL_BYTES,
        )
