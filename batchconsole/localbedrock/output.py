"""One output object on its way to S3: a local spool of what is not uploaded yet, parts of what is.

The order of the steps is what makes a kill harmless. Lines reach the spool and the disk before the database counts
them, so what lies beyond ``spool_length`` was never counted and is cut off. A part is counted after S3 has it; uploaded
again under its number it replaces itself.
"""

import os
from pathlib import Path
from typing import BinaryIO

from batchconsole.localbedrock.jobs import Counts, InputFile, Status
from batchconsole.localbedrock.storage import Storage
from batchconsole.localbedrock.store import Store

PART_BYTES = 8 << 20  # S3 wants at least 5 MiB in every part but the last, and at most 10,000 parts.


class SpoolLost(Exception):
    """Somebody has removed or cut a spool file."""


class OutputFile:
    """The output of one input file of job *job_id*, with its spool in *folder*."""

    def __init__(self, job_id: str, file: InputFile, *, store: Store, storage: Storage, folder: Path) -> None:
        self.file = file
        self._job_id = job_id
        self._store = store
        self._storage = storage
        self._folder = folder
        self._spool = self._open()

    def append(self, lines: list[bytes], *, read_offset: int, counts: Counts) -> Status:
        """Add *lines*, which answer everything before *read_offset*; returns the job's state."""
        self._spool.writelines(lines)
        self._spool.flush()
        os.fsync(self._spool.fileno())
        self.file.spool_length = self._spool.tell()
        self.file.read_offset = read_offset
        self.file.records_done += len(lines)
        status = self._store.checkpoint(self._job_id, self.file, counts)
        if self.file.spool_length >= PART_BYTES:
            self._upload_part()
        return status

    def finish(self) -> None:
        """Make the object of everything added so far."""
        if self.file.upload_id:
            if self.file.spool_length or not self.file.parts:
                self._upload_part()
            self._storage.complete_upload(self.file.output_key, self.file.upload_id, self.file.parts)
        else:
            self._spool.seek(0)
            self._storage.put(self.file.output_key, self._spool)
        self.file.done = True
        self._store.checkpoint(self._job_id, self.file)
        self.close()
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        self._spool.close()

    @property
    def _path(self) -> Path:
        return self._folder / f"{self.file.number}-{len(self.file.parts) + 1}"

    def _open(self) -> BinaryIO:
        size = self._path.stat().st_size if self._path.exists() else 0
        if size < self.file.spool_length:
            raise SpoolLost(f"{self._path} is shorter than what was written to it; the job cannot go on.")
        spool = self._path.open("a+b")
        spool.truncate(self.file.spool_length)
        spool.seek(0, os.SEEK_END)
        return spool

    def _upload_part(self) -> None:
        if not self.file.upload_id:
            self.file.upload_id = self._storage.start_upload(self.file.output_key)
            self._store.checkpoint(self._job_id, self.file)
        old, number = self._path, len(self.file.parts) + 1
        self._spool.seek(0)
        etag = self._storage.upload_part(self.file.output_key, self.file.upload_id, number, self._spool)
        self._spool.close()
        self.file.parts = [*self.file.parts, etag]
        self.file.spool_length = 0
        self._store.checkpoint(self._job_id, self.file)
        self._spool = self._open()
        old.unlink(missing_ok=True)
