"""One output on its way to S3: local files keep all of it until S3 is known to have it.

The order of the steps makes a kill harmless. Lines are synced to the spool on disk before the database counts them, so
anything beyond the counted length is uncounted and is cut off. Nothing is deleted before S3 has the objects, so an
upload that S3 has lost can start again.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from batchconsole.localbedrock.jobs import Counts, InputFile, Status
from batchconsole.localbedrock.storage import Storage
from batchconsole.localbedrock.store import Store
from batchconsole.localbedrock.uploads import write_object


class SpoolLost(Exception):
    """A spool file is missing or shorter than what was written to it."""


class Spool:
    """The file at *path*, truncated to its valid *length* in bytes. Raises :class:`SpoolLost` if it is shorter."""

    def __init__(self, path: Path, length: int) -> None:
        size = path.stat().st_size if path.exists() else 0
        if size < length:
            raise SpoolLost(f"{path} is shorter than what was written to it; the job cannot go on.")
        self.file: BinaryIO = path.open("a+b")
        self.file.truncate(length)
        self._path = path

    def append(self, lines: Sequence[bytes]) -> int:
        """Append *lines*, sync them to the disk and return the new length."""
        self.file.seek(0, os.SEEK_END)
        if lines:
            self.file.writelines(lines)
            self.file.flush()
            os.fsync(self.file.fileno())
        return self.file.tell()

    def close(self) -> None:
        self.file.close()

    def remove(self) -> None:
        self.close()
        self._path.unlink(missing_ok=True)


class OutputFile:
    """The output of one input file of job *job_id*, with a spool of answers and one of separate errors in *folder*."""

    def __init__(self, job_id: str, file: InputFile, *, store: Store, storage: Storage, folder: Path) -> None:
        self.file = file
        self._job_id = job_id
        self._store = store
        self._storage = storage
        self._answers = Spool(folder / f"{file.number}.out", file.spool_length)
        self._errors = Spool(folder / f"{file.number}.err", file.error_length)

    def append(
        self, lines: Sequence[bytes], *, errors: Sequence[bytes] = (), read_offset: int, counts: Counts
    ) -> Status:
        """Append *lines* and *errors*, which answer all records before *read_offset*; return the job's state."""
        self.file.spool_length = self._answers.append(lines)
        self.file.error_length = self._errors.append(errors)
        self.file.read_offset = read_offset
        self.file.records_done += len(lines) + len(errors)
        return self._store.checkpoint(self._job_id, self.file, counts)

    def finish(self) -> None:
        """Write the objects of everything appended so far. If there are only errors, write no object for answers."""
        if self.file.spool_length or not self.file.error_length:
            self._write(self.file.output_key, self._answers, self.file.spool_length)
        if self.file.error_length:
            self._write(self.file.error_key, self._errors, self.file.error_length)
        self.file.done = True
        self._store.checkpoint(self._job_id, self.file)
        self._answers.remove()
        self._errors.remove()

    def close(self) -> None:
        self._answers.close()
        self._errors.close()

    def _write(self, key: str, spool: Spool, size: int) -> None:
        write_object(self._storage, key, spool.file, size=size, upload_id=self.file.upload_id, began=self._keep_upload)

    def _keep_upload(self, upload_id: str) -> None:
        """Store the open upload (empty: none), so that it is finished or aborted after a restart."""
        self.file.upload_id = upload_id
        self._store.checkpoint(self._job_id, self.file)
