"""The download of an object: streamed through the console, or, where the connection allows it, from S3 itself."""

from itertools import chain
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from batchconsole.aws.errors import AwsError
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.errors import sentences
from batchconsole.console.s3.changes import object_place
from batchconsole.console.s3.chooser import storage_of
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.s3.storage import S3Object, Storage, attachment
from batchconsole.localguard import host_name, is_loopback


@require_safe
def download(request: ConsoleRequest, connection: str) -> HttpResponseBase:
    """Stream the object as a download, or redirect to a presigned URL of it."""
    bucket, key = object_place(request)
    storage, version_id = storage_of(request), request.GET.get("version", "")
    try:
        item = storage.head(bucket, key, version_id=version_id)
        if goes_to_s3(request):
            return redirect_to_s3(storage, bucket, item, version_id=version_id)
        return stream(storage, bucket, item, version_id=version_id)
    except (AwsError, UserError) as error:
        messages.error(request, f"{key} could not be downloaded. {sentences(error)}")
        return redirect(f"{reverse('s3-object', args=[connection])}?{urlencode({'uri': f's3://{bucket}/{key}'})}")


def goes_to_s3(request: ConsoleRequest) -> bool:
    """Whether the connection allows presigned URLs, and the browser would follow one.

    A presigned URL is for GET only. Browsers do not load HTTP from an HTTPS page, and an endpoint on loopback is that
    of the person's own machine only if the console is there too, under the same name: the local stack refuses others.
    """
    if not request.connection.presigns_downloads or request.method != "GET":
        return False
    endpoint = urlsplit(request.connection.endpoint_url)
    if not endpoint.hostname or endpoint.scheme == "https":
        return True
    is_here = endpoint.hostname == host_name(request.get_host())
    return not request.is_secure() and (is_here or not is_loopback(endpoint.hostname))


def redirect_to_s3(storage: Storage, bucket: str, item: S3Object, *, version_id: str) -> HttpResponseBase:
    """Redirect to the object in S3, after a read of its first byte: what S3 refuses is told here, not as XML there."""
    if item.size:
        storage.read_range(bucket, item.key, end=1, etag=item.etag, version_id=version_id)
    return HttpResponseRedirect(storage.link(bucket, item.key, version_id=version_id))


def stream(storage: Storage, bucket: str, item: S3Object, *, version_id: str) -> HttpResponseBase:
    chunks = storage.chunks(bucket, item.key, etag=item.etag, version_id=version_id)
    first = next(chunks, b"")  # an error must be raised before the response starts
    storage.record_download(bucket, item.key, version_id=version_id)
    response = StreamingHttpResponse(chain([first], chunks), content_type="application/octet-stream")
    response["Content-Length"] = str(item.size)
    response["Content-Disposition"] = attachment(item.key)
    return response
