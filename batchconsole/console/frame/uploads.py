"""Accept files only for views that take them, while the disk has room and the person's quota is not used up."""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse

from batchconsole.body_limits import largest_body
from batchconsole.console.kit.answers import Refusal, refuse
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.s3 import uploads

FORM_BYTES = 128 << 10  # a form of this size is read without counting it, so that it can remove a file
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
        with ExitStack() as while_answered:
            request.while_uploading = while_answered  # type: ignore[attr-defined] # for process_view
            return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        size = int(request.META.get("CONTENT_LENGTH") or 0)
        if not largest_body(view):
            request.upload_handlers = [RefusingUploadHandler(request)]
        elif not has_room_for(size):
            return refuse(request, ALMOST_FULL, status=507)
        elif size > FORM_BYTES and request.user.pk:
            return reserve(request, request.user.pk, size)
        return None


def reserve(request: HttpRequest, owner: int, size: int) -> HttpResponse | None:
    """Count the body as on its way until the request is answered; refuse it (507, RFC 4331) if it is too much."""
    try:
        request.while_uploading.enter_context(uploads.reserved(owner, size))  # type: ignore[attr-defined] # see __call__
    except UserError as error:
        return refuse(request, Refusal("You have uploaded as much as you may", error.message, error.hint), status=507)
    return None


def has_room_for(size: int) -> bool:
    """Whether *size* more bytes leave ``SPARE_BYTES`` free on the disks that receive files."""
    places = (settings.DATA_DIR, tempfile.gettempdir())
    return size == 0 or min(shutil.disk_usage(place).free for place in places) - size > SPARE_BYTES
