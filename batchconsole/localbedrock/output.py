"""One output on its way to S3: all of it in local files until S3 is seen to have it.

The order of the steps is what makes a kill harmless. Lines reach the spool and the disk before the database counts
them, so what lies beyond the counted length was never counted and is cut off. Nothing is thrown away before S3 has the
objects, so an upload that S3 has lost is begun again.
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
    """Somebody has removed or cut a spool file."""


class Spool:
    """The file at *path*, of which the first *length* bytes count; what lies beyond is cut off."""

    def __init__(self, path: Path, length: int) -> None:
        size = path.stat().st_size if path.exists() else 0
        if size < length:
            raise SpoolLost(f"{path} is shorter than what was written to it; the job cannot go on.")
        self.file: BinaryIO = path.open("a+b")
        self.file.truncate(length)
        self._path = path

    def append(self, lines: Sequence[bytes]) -> int:
        """Add *lines*, on the disk when this returns the length."""
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
    """The output of one input file of job *job_id*, with its spools in *folder*: answers, and errors if apart."""

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
        """Add *lines* and *errors*, which answer everything before *read_offset*; returns the job's state."""
        self.file.spool_length = self._answers.append(lines)
        self.file.error_length = self._errors.append(errors)
        self.file.read_offset = read_offset
        self.file.records_done += len(lines) + len(errors)
        return self._store.checkpoint(self._job_id, self.file, counts)

    def finish(self) -> None:
        """Make the objects of everything added so far. Without answers but with errors there is no first object."""
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
        """Remember the upload that is open, empty for none: whoever takes the job up finishes or aborts it."""
        self.file.upload_id = upload_id
        self._store.checkpoint(self._job_id, self.file)
