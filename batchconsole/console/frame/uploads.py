"""Accept files only for views that take them, and only while the disk has room."""

import shutil
import tempfile
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse

from batchconsole.body_limits import largest_body
from batchconsole.console.kit.answers import Refusal, refuse

SPARE_BYTES = 1 << 30  # kept free for the database and the logs
ALMOST_FULL = Refusal(
    "The disk of the console is almost full", "Nothing was uploaded. Tell the console's administrator."
)


class RefusingUploadHandler(FileUploadHandler):
    """Refuse a request at its first file, before any of it is written."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        raise BadRequest("This address does not accept files.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


class UploadMiddleware:
    """Decide whether to accept a request's files before its body is read, so it comes before all that read forms."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        if not largest_body(view):
            request.upload_handlers = [RefusingUploadHandler(request)]
        elif not has_room_for(int(request.META.get("CONTENT_LENGTH") or 0)):
            return refuse(request, ALMOST_FULL, status=507)
        return None


def has_room_for(size: int) -> bool:
    """Whether *size* more bytes leave ``SPARE_BYTES`` free on the disks that receive files."""
    places = (settings.DATA_DIR, tempfile.gettempdir())
    return size == 0 or min(shutil.disk_usage(place).free for place in places) - size > SPARE_BYTES
