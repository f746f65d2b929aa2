"""Uploading a large file in parts, driven by the browser (js/upload.js): begin, each part, the end; or give it up.

Each request is short whatever the file's size, and an upload that broke off goes on with the parts S3 has.
"""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from batchconsole.aws import s3, s3_multipart
from batchconsole.aws.errors import AwsError
from batchconsole.body_limits import takes_files
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.numbers import read_number
from batchconsole.console.s3 import uploads as uploads

PART_BYTES = 8 * 2**20
LARGEST_PART_BYTES = 64 * 2**20
GONE = "NoSuchUpload"


def part_size(size: int) -> int:
    """Bytes of a part for a file of *size* bytes: eight MiB, or more where S3's limit of parts asks for it."""
    at_least = -(-size // (s3_multipart.MAX_PARTS - 1))
    return max(PART_BYTES, at_least)


@require_POST
def start(request: ConsoleRequest, connection: str) -> JsonResponse:
    """Begin, or go on with ``upload``: its id, the size of a part, and the numbers of the parts S3 has already.

    Answers 409 when the file is empty, or one of its name is there and ``replace`` is not posted.
    """
    try:
        bucket, key = _place(request)
    except ValueError as error:
        return _refused(str(error))
    size = read_number(request.POST.get("size", ""), -1)
    if size < 0:
        return _refused("The size of the file is not a number of bytes.")
    upload_id, target = request.POST.get("upload", ""), request.connection.target
    may_replace = "replace" in request.POST or bool(upload_id)  # what goes on was asked when it began
    refusal = uploads.refusal(target, bucket, key, size=size, may_replace=may_replace)
    if refusal:
        return JsonResponse({"message": refusal, "refused": True}, status=409)
    try:
        done = _done(request, bucket, key, upload_id) if upload_id else None
        if done is None:
            upload_id, done = s3_multipart.create_multipart_upload(target, bucket, key), []
    except AwsError as error:
        return _failed(error)
    return JsonResponse({"upload": upload_id, "partSize": part_size(size), "done": done})


def _done(request: ConsoleRequest, bucket: str, key: str, upload_id: str) -> list[int] | None:
    """The parts an earlier try has left, ``None`` when S3 knows of no such upload any more."""
    try:
        parts = s3_multipart.list_parts(request.connection.target, bucket, key, upload_id=upload_id)
    except AwsError as error:
        if error.code != GONE:
            raise
        return None
    return [part.number for part in parts]


@takes_files(max_bytes=LARGEST_PART_BYTES)
@require_POST
def part(request: ConsoleRequest, connection: str) -> JsonResponse:
    """One part; its bytes are the request's body, the rest is in the query string."""
    try:
        bucket, key = s3.parse_s3_uri(request.GET.get("uri", ""))
        number = read_number(request.GET.get("part", ""))
    except ValueError as error:
        return _refused(str(error))
    body = _read(request)
    if not 1 <= number <= s3_multipart.MAX_PARTS or body is None:
        return _refused(f"A part has a number up to {s3_multipart.MAX_PARTS} and up to {LARGEST_PART_BYTES} bytes.")
    upload_id = request.GET.get("upload", "")
    try:
        s3_multipart.upload_part(request.connection.target, bucket, key, upload_id=upload_id, number=number, body=body)
    except AwsError as error:
        return _failed(error)
    return JsonResponse({"part": number})


def _read(request: HttpRequest) -> bytes | None:
    """The body, read as a stream: Django's limit for forms is not meant for it. ``None`` when it is too long."""
    body = request.read(LARGEST_PART_BYTES + 1)
    return body if len(body) <= LARGEST_PART_BYTES else None


@require_POST
def finish(request: ConsoleRequest, connection: str) -> JsonResponse:
    """Make the object of its parts."""
    try:
        bucket, key = _place(request)
    except ValueError as error:
        return _refused(str(error))
    try:
        s3_multipart.complete_multipart_upload(
            request.connection.target, bucket, key, upload_id=request.POST.get("upload", "")
        )
    except AwsError as error:
        return _failed(error)
    uploads.say_uploaded(request, bucket, key)
    return JsonResponse({})


@require_POST
def abort(request: ConsoleRequest, connection: str) -> JsonResponse:
    """Throw the parts away; parts that are gone already are fine."""
    try:
        bucket, key = _place(request)
    except ValueError as error:
        return _refused(str(error))
    try:
        s3_multipart.abort_multipart_upload(
            request.connection.target, bucket, key, upload_id=request.POST.get("upload", "")
        )
    except AwsError as error:
        if error.code != GONE:
            return _failed(error)
    return JsonResponse({})


def _place(request: HttpRequest) -> tuple[str, str]:
    """Bucket and key of the object to be; raises :class:`ValueError` for a folder or nothing."""
    bucket, key = s3.parse_s3_uri(request.POST.get("uri", ""))
    if not key or key.endswith("/"):
        raise ValueError("An object needs a name.")
    return bucket, key


def _refused(message: str) -> JsonResponse:
    return JsonResponse({"message": message}, status=400)


def _failed(error: AwsError) -> JsonResponse:
    return JsonResponse({"message": sentences(error), "code": error.code}, status=502)
