"""The outputs of a job and its end: complete the objects, write the manifest, clean up."""

import logging
import shutil
from contextlib import closing
from pathlib import Path

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from batchconsole.localbedrock.jobs import InputFile, Job
from batchconsole.localbedrock.output import OutputFile
from batchconsole.localbedrock.service_role import s3_client
from batchconsole.localbedrock.settings import Settings
from batchconsole.localbedrock.space import check_space
from batchconsole.localbedrock.storage import Storage
from batchconsole.localbedrock.store import Store
from batchconsole.localbedrock.uploads import write_bytes

log = logging.getLogger(__name__)


class Outputs:
    """The unfinished outputs of *job*, with spools below *folder*. At least *min_free* bytes of its disk must be free.

    Raises :class:`DiskFull`.
    """

    def __init__(self, job: Job, *, store: Store, storage: Storage, folder: Path, min_free: int) -> None:
        self.files = [file for file in store.files(job.id) if not file.done]
        self._job_id = job.id
        self._store = store
        self._storage = storage
        self._folder = folder / job.id
        self._folder.mkdir(parents=True, exist_ok=True)
        self._min_free = min_free
        self.check_space()
        self._output: OutputFile | None = None

    def check_space(self) -> None:
        """Raise :class:`DiskFull` if the disk has too little free space."""
        check_space(self._folder, self._min_free)

    def open(self, file: InputFile) -> OutputFile:
        """Return the output of *file*; finish the outputs of all files before it, as only one is open at a time."""
        if self._output is None or self._output.file is not file:
            self._finish(self.files[: self.files.index(file)])
            self._output = self._open(file)
        return self._output

    def finish_all(self) -> None:
        """Write the objects of all files."""
        self._finish(self.files)

    def finish_begun(self) -> None:
        """Write the objects of the files that have any answers."""
        self._finish([file for file in self.files if file.records_done])

    def close(self) -> None:
        if self._output:
            self._output.close()
            self._output = None

    def _finish(self, files: list[InputFile]) -> None:
        self.close()
        for file in files:
            if not file.done:
                with closing(self._open(file)) as output:
                    output.finish()

    def _open(self, file: InputFile) -> OutputFile:
        return OutputFile(self._job_id, file, store=self._store, storage=self._storage, folder=self._folder)


def write_manifest(job: Job, storage: Storage) -> None:
    """Write ``manifest.json.out``, a single line with the counts of *job*."""
    manifest = {
        "totalRecordCount": job.total,
        "processedRecordCount": job.success + job.error,
        "successRecordCount": job.success,
        "errorRecordCount": job.error,
        "inputTokenCount": job.input_tokens,
        "outputTokenCount": job.output_tokens,
    }
    write_bytes(storage, f"{storage.output_folder}manifest.json.out", msgspec.json.encode(manifest) + b"\n")


def remove_spool(folder: Path, job_id: str) -> None:
    """Remove the job's spools below *folder*."""
    shutil.rmtree(folder / job_id, ignore_errors=True)


def abort_uploads(job: Job, *, store: Store, storage: Storage) -> None:
    """Abort the uploads that *job*, which has ended, did not complete."""
    for file in store.files(job.id):
        if file.upload_id:
            storage.abort_upload(file.output_key, file.upload_id)
            file.upload_id = ""
            store.checkpoint(job.id, file)


def abort_strays(job: Job, storage: Storage, settings: Settings) -> None:
    """Abort uploads of *job* that were started by a process that was killed before it stored their ids.

    Service roles may not list uploads, so this uses the credentials of this process; failures are only logged.
    """
    client = s3_client(job, msgspec.structs.replace(settings, assume_role=False))
    bucket = storage.output_bucket
    try:
        found = client.list_multipart_uploads(Bucket=bucket, Prefix=storage.output_folder)
        for upload in found.get("Uploads", []):
            client.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    except (ClientError, BotoCoreError) as error:
        log.warning("Uploads of job %s may be left open: %s", job.id, error)
