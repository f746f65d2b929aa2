"""The media of merged records: where a job with the merged file may read them, and the copies that this takes."""

from django.template.defaultfilters import filesizeformat

from batchconsole.aws import s3
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.inputs.media_copies import copied_uri, copy_media, find_objects
from batchconsole.jobs.leases import Lease
from batchconsole.jobs.models import Event, MadeInput, Verb
from batchconsole.jobs.rights.access import require_places
from batchconsole.records.media import is_below
from batchconsole.records.media_census import Census, bounded

ENDING = ".jsonl"


class MergedMedia:
    """What the records that are merged into *made* refer to in S3."""

    def __init__(self, made: MadeInput, lease: Lease, census: Census) -> None:
        self.made = made
        self.lease = lease
        self.census = census
        self.folder = made.job_folder
        self.target = made.connection.target

    def copied(self) -> dict[str, str]:
        """Copy what lies elsewhere into the folder of the merged file, and return the URIs of the copies by URI.

        The folder is the input location of the job, because Bedrock reads media only from below that. Raises
        UserError, also if copies were not asked for, MediaRefused and AwsError.
        """
        self.census.require_uris()
        self._require_allowed()
        self._require_alone()
        found = find_objects(self.target, self.census.places, tell=self.lease.renew)
        self.census.require_found(found)
        elsewhere = {uri: item for uri, item in found.items() if not is_below(uri, self.folder)}
        size = sum(item.size for item in elsewhere.values())
        if elsewhere and not self.made.merged_files["copies_media"]:
            raise self._question(len(elsewhere), size)
        bounded(len(elsewhere), size)
        told = self.made.merged_files | {"has_media": True}
        self.lease.write(merged_files=told, media_objects=len(elsewhere), media_bytes=size)
        if elsewhere:
            self._copy(elsewhere, size)
        return {uri: copied_uri(self.folder, uri, item) for uri, item in elsewhere.items()}

    def _require_allowed(self) -> None:
        """Raise NotAllowed unless the connection lets jobs read all of it: a copy must not widen what they may read."""
        for uri, place in self.census.places.items():
            try:
                require_places(self.made.connection, input=uri, read=uri)
            except NotAllowed as error:
                raise NotAllowed(f"{place} refers to {uri}. {error.message}", error.hint) from error

    def _require_alone(self) -> None:
        """Raise UserError if the folder holds other records, which the job would read too."""
        bucket, prefix = parse_s3_uri(self.folder)
        own = parse_s3_uri(self.made.output_s3_uri)[1]
        other = None
        for item in s3.iter_objects(self.target, bucket, prefix):
            self.lease.renew()
            if item.key.endswith(ENDING) and item.key != own:
                other = item.key
                break
        if other is not None:
            name = own.rpartition("/")[2]
            place = f"{self.folder}{name.removesuffix(ENDING)}/{name}"
            raise UserError(
                "The records refer to media in S3, so the input of their job must be the folder of the merged file, "
                f"and {self.folder} holds other records: {other}.",
                "output_s3_uri",
                f"Write the merged file to a folder of its own, such as {place}.",
            )

    def _question(self, objects: int, size: int) -> UserError:
        return UserError(
            f"The records refer to {objects:,} object{'' if objects == 1 else 's'} in S3 ({filesizeformat(size)}) "
            f"outside {self.folder}, and Amazon Bedrock reads media only from below the input location of the job.",
            "media",
            "Choose to copy media beside the merged file, or write it to a folder that holds them.",
        )

    def _copy(self, elsewhere: dict[str, s3.S3Object], size: int) -> None:
        connection = self.made.connection
        require_places(connection, upload=self.folder)

        def tell(done: int) -> None:
            self.lease.renew(media_done=done)

        copy_media(self.target, elsewhere, folder=self.folder, tell=tell)
        self.lease.write(media_done=len(elsewhere))
        data = {"s3_uri": self.made.output_s3_uri, "objects": len(elsewhere), "bytes": size}
        Event.objects.create(connection=connection, actor=self.made.created_by, verb=Verb.MEDIA_COPIED, data=data)
