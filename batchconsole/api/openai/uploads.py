"""A file of a multipart body, handed on to S3 while it arrives."""

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest

from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Actor, Connection
from batchconsole.jobs.openai.files import Upload

FIELD = "file"


class S3UploadHandler(FileUploadHandler):
    """Write the body's only file to S3, part by part; ``upload`` is the file, ``None`` if there is none."""

    def __init__(self, request: HttpRequest, connection: Connection, actor: Actor) -> None:
        super().__init__(request)
        self.connection, self.actor = connection, actor
        self.upload: Upload | None = None

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        super().new_file(field_name, file_name, *args, **kwargs)
        if field_name != FIELD or self.upload is not None:
            raise UserError("Send one file, as the part named 'file'.", FIELD)
        self.upload = Upload(self.connection, self.actor, file_name)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        assert self.upload is not None  # new_file comes first
        self.upload.write(raw_data)

    def file_complete(self, file_size: int) -> None:
        """Return no file: its bytes are in S3."""

    def abort(self) -> None:
        """Drop what has arrived."""
        if self.upload is not None:
            self.upload.abort()
