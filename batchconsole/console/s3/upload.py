"""Multipart upload of a large file, driven by the browser (js/upload.js): start, parts, finish, or abort.

Each request is short whatever the file's size, and an interrupted upload continues after the parts that S3 has.
"""

import msgspec
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from batchconsole.aws.errors import AwsError
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.body_limits import takes_files
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.numbers import read_number
from batchconsole.console.s3 import uploads
from batchconsole.console.s3.chooser import storage_of
from batchconsole.console.s3.places import Place
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.s3.refusals import EmptyFile, ObjectExists
from batchconsole.jobs.s3.storage import MAX_PARTS

LARGEST_PART_BYTES = 64 * 2**20


@require_POST
def start_upload(request: ConsoleRequest, connection: str) -> JsonResponse:
    """Start an upload, or continue ``upload``; return its id, the part size, and the numbers of the parts in S3.

    Responds with 409 if the file is empty, or if the object exists and ``replace`` is not posted.
    """
    try:
        bucket, key = _place(request)
    except ValueError as error:
        return _refused(str(error))
    size = read_number(request.POST.get("size", ""), -1)
    if size < 0:
        return _refused("The size of the file is not a number of bytes.")
    upload_id, may_replace = request.POST.get("upload", ""), "replace" in request.POST
    try:
        begun = storage_of(request).begin_upload(bucket, key, size=size, may_replace=may_replace, upload_id=upload_id)
    except (EmptyFile, ObjectExists) as error:
        return JsonResponse({"message": uploads.refusal(error)}, status=409)
    except (AwsError, UserError) as error:
        return _failed(error)
    return JsonResponse({"upload": begun.upload_id, "partSize": begun.part_bytes, "done": begun.done})


@takes_files(max_bytes=LARGEST_PART_BYTES)
@require_POST
def part(request: ConsoleRequest, connection: str) -> JsonResponse:
    """Upload one part: its bytes are the request body, the other parameters are in the query string."""
    try:
        bucket, key = parse_s3_uri(request.GET.get("uri", ""))
        number = read_number(request.GET.get("part", ""))
    except ValueError as error:
        return _refused(str(error))
    body = _read(request)
    if not 1 <= number <= MAX_PARTS or body is None:
        return _refused(f"A part has a number up to {MAX_PARTS} and up to {LARGEST_PART_BYTES} bytes.")
    upload_id = request.GET.get("upload", "")
    try:
        storage_of(request).upload_part(bucket, key, upload_id=upload_id, number=number, body=body)
    except (AwsError, UserError) as error:
        return _failed(error)
    return JsonResponse({"part": number})


def _read(request: HttpRequest) -> bytes | None:
    """Read the body as a stream, which Django's limit for form data does not cover. Return None if it is too long."""
    body = request.read(LARGEST_PART_BYTES + 1)
    return body if len(body) <= LARGEST_PART_BYTES else None


@require_POST
def finish(request: ConsoleRequest, connection: str) -> JsonResponse:
    """Complete the upload and create the object."""
    try:
        bucket, key = _place(request)
    except ValueError as error:
        return _refused(str(error))
    try:
        storage_of(request).finish_upload(bucket, key, upload_id=request.POST.get("upload", ""))
    except (AwsError, UserError) as error:
        return _failed(error)
    return JsonResponse({})


@require_POST
def report(request: ConsoleRequest, connection: str) -> JsonResponse:
    """Report the results of an upload on the next page: each file's ``name`` and, if it failed, its ``problem``."""
    try:
        fates = msgspec.json.decode(request.POST.get("files", ""), type=list[uploads.Fate])
    except msgspec.DecodeError as error:
        return _refused(f"The list of files cannot be read: {error}")
    if fates:
        uploads.report(request, Place.read(request.POST), fates)
    return JsonResponse({})


@require_POST
def abort(request: ConsoleRequest, connection: str) -> JsonResponse:
    """Abort the upload and discard its parts; that they are already gone is not an error."""
    try:
        bucket, key = _place(request)
    except ValueError as error:
        return _refused(str(error))
    try:
        storage_of(request).abort_upload(bucket, key, upload_id=request.POST.get("upload", ""))
    except (AwsError, UserError) as error:
        return _failed(error)
    return JsonResponse({})


def _place(request: HttpRequest) -> tuple[str, str]:
    """Return the bucket and key of the new object. Raises :class:`ValueError` for a folder or an empty name."""
    bucket, key = parse_s3_uri(request.POST.get("uri", ""))
    if not key or key.endswith("/"):
        raise ValueError("An object needs a name.")
    return bucket, key


def _refused(message: str) -> JsonResponse:
    return JsonResponse({"message": message}, status=400)


def _failed(error: AwsError | UserError) -> JsonResponse:
    status = 502 if isinstance(error, AwsError) else 403
    return JsonResponse({"message": sentences(error), "code": error.code}, status=status)
