"""The outputs of a job, and its end: the objects completed, the manifest written."""

import shutil
from pathlib import Path

import msgspec

from batchconsole.localbedrock.jobs import InputFile, Job
from batchconsole.localbedrock.output import OutputFile
from batchconsole.localbedrock.storage import Storage
from batchconsole.localbedrock.store import Store


class Outputs:
    """The outputs of *job* not finished yet, with their spools below *folder*."""

    def __init__(self, job: Job, *, store: Store, storage: Storage, folder: Path) -> None:
        self.files = [file for file in store.files(job.id) if not file.done]
        self._job_id = job.id
        self._store = store
        self._storage = storage
        self._folder = folder / job.id
        self._folder.mkdir(parents=True, exist_ok=True)
        self._output: OutputFile | None = None

    def open(self, file: InputFile) -> OutputFile:
        """The output of *file*, one at a time: those of the files before it are finished."""
        if self._output is None or self._output.file is not file:
            self._finish(self.files[: self.files.index(file)])
            self._output = self._open(file)
        return self._output

    def finish_all(self) -> None:
        """Make the objects of all files."""
        self._finish(self.files)

    def finish_begun(self) -> None:
        """Make the objects of the files that have any answers."""
        self._finish([file for file in self.files if file.records_done])

    def close(self) -> None:
        if self._output:
            self._output.close()
            self._output = None

    def remove_spool(self) -> None:
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _finish(self, files: list[InputFile]) -> None:
        self.close()
        for file in files:
            if not file.done:
                self._open(file).finish()

    def _open(self, file: InputFile) -> OutputFile:
        return OutputFile(self._job_id, file, store=self._store, storage=self._storage, folder=self._folder)


def write_manifest(job: Job, storage: Storage) -> None:
    """Write ``manifest.json.out``: one line with the counts of *job*."""
    manifest = {
        "totalRecordCount": job.total,
        "processedRecordCount": job.success + job.error,
        "successRecordCount": job.success,
        "errorRecordCount": job.error,
        "inputTokenCount": job.input_tokens,
        "outputTokenCount": job.output_tokens,
    }
    storage.put(f"{storage.output_folder}manifest.json.out", msgspec.json.encode(manifest) + b"\n")
