"""The media of the parts of a split: the URIs that the records of a part get, and the copies beside them."""

from collections.abc import Mapping, Sequence

from batchconsole.aws.s3 import S3Object
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.jobs.inputs.media_copies import copied_uri, copy_media
from batchconsole.jobs.leases import Lease
from batchconsole.jobs.models import Event, InputSplit, SplitPart, Verb
from batchconsole.records.families import AnyFamily, family_for
from batchconsole.records.media import media_of, with_uris


def family_of(split: InputSplit) -> AnyFamily | None:
    return family_for(split.request.model_id, split.request.model_invocation_type)


class MediaOfParts:
    """What the records of each part refer to, noted while they are written."""

    def __init__(self, split: InputSplit, rows: Sequence[SplitPart], there: Mapping[str, S3Object]) -> None:
        self.split = split
        self.family = family_of(split)
        self.rows = rows
        self.there = there
        self.owner = bucket_owner(split, rows[0])
        self.of_part: dict[int, set[str]] = {}

    def moved(self, line: bytes, part: int) -> bytes:
        """Return the record of *part* with the URIs of the copies beside it."""
        found = media_of(line, self.family)
        if not found:
            return line
        self.of_part.setdefault(part, set()).update(each.uri for each in found)
        folder = self.rows[part - 1].input_s3_uri
        uris = {each.uri: copied_uri(folder, each.uri, self.there[each.uri]) for each in found}
        return with_uris(line, found, uris, owner=self.owner)

    def take(self, part: int) -> dict[str, S3Object]:
        """Return the objects that *part* refers to, by URI, and forget them."""
        return {uri: self.there[uri] for uri in sorted(self.of_part.pop(part, ()))}

    def copy(self, lease: Lease, row: SplitPart, *, copied: int) -> int:
        """Copy what the part *row* refers to beside it, record that, and return how many objects that are.

        *copied* is the number of those of the parts before. Raises AwsError.
        """
        used = self.take(row.number)
        if not used:
            return 0

        def tell(done: int) -> None:
            lease.renew(media_done=copied + done)

        connection = self.split.connection
        copy_media(connection.target, used, folder=row.input_s3_uri, tell=tell)
        size = sum(item.size for item in used.values())
        data = {"split": self.split.pk, "s3_uri": row.input_s3_uri, "objects": len(used), "bytes": size}
        Event.objects.create(connection=connection, actor=self.split.created_by, verb=Verb.MEDIA_COPIED, data=data)
        return len(used)


def bucket_owner(split: InputSplit, row: SplitPart) -> str:
    """Return the account that the request names for the bucket of the part *row*; empty if none."""
    request = split.request
    owners = {
        parse_s3_uri(request.input_s3_uri)[0]: request.input_bucket_owner,
        parse_s3_uri(request.output_s3_uri)[0]: request.output_bucket_owner,
    }
    return owners.get(parse_s3_uri(row.input_s3_uri)[0], "")
