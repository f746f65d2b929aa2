"""Upload handler that writes files straight into the data folder, where keeping one is a rename."""

import tempfile
from hashlib import blake2b
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, TemporaryFileUploadHandler

from batchconsole.jobs.s3 import uploads


class ArrivingFile(TemporaryUploadedFile):
    """An upload in the folder of kept uploads; it is deleted with its request unless :meth:`keep` is called."""

    def __init__(self, name: str | None, content_type: str | None, charset: str | None, extra: Any = None) -> None:
        file = tempfile.NamedTemporaryFile(suffix=".upload", dir=uploads.folder())  # noqa: SIM115 - closed with the request
        UploadedFile.__init__(self, file, name, content_type, 0, charset, extra)
        self.digest = blake2b(digest_size=16)  # of the bytes received so far

    def keep(self, owner: int) -> str:
        """Keep the file of the user *owner* beyond the request and return its token. Raises :class:`UserError`."""
        self.flush()
        token = uploads.keep(Path(self.temporary_file_path()), owner)
        self.close()
        return token


class DataFolderUploadHandler(TemporaryFileUploadHandler):
    """Django's handler for temporary files, using the data folder: /tmp may be in memory or too small."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        FileUploadHandler.new_file(self, *args, **kwargs)
        self.file: ArrivingFile = ArrivingFile(self.file_name, self.content_type, self.charset, self.content_type_extra)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        super().receive_data_chunk(raw_data, start)
        self.file.digest.update(raw_data)
