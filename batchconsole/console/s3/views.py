"""S3 pages: buckets, folders and objects; an object with a preview; upload; the chooser's body."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import push_url

from batchconsole.aws.errors import AwsError
from batchconsole.body_limits import takes_files
from batchconsole.console.frame import drafts
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.answers import ASKERS, wants_part
from batchconsole.console.kit.errors import sentences
from batchconsole.console.s3 import uploads
from batchconsole.console.s3.browser import PlacePage, read_page
from batchconsole.console.s3.changes import object_place
from batchconsole.console.s3.chooser import CHOOSERS, chooser_context, input_limits, storage_of
from batchconsole.console.s3.inputs import TABLES, folder_input, hindrance
from batchconsole.console.s3.places import Place
from batchconsole.console.s3.preview import preview
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.queue.limits import limits_for
from batchconsole.jobs.s3.refusals import EmptyFile, ObjectExists
from batchconsole.jobs.s3.storage import Storage

# The forms for adding to a place; the query string says which one is open.
ADDITIONS = ("upload", "folder")
NEW_BUCKET = "bucket"  # the same for the list of buckets
LARGEST_OBJECT_BYTES = 5 << 30  # the limit of PutObject; the browser's script uploads larger files in parts
NOT_THERE = {"NotFound", "NoSuchKey", "NoSuchBucket"}


@require_safe
@vary_on_headers(*ASKERS)
def browse(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Show a place in S3; for htmx with ``choose``, return the body of the chooser dialog."""
    chooser = request.GET.get("choose", "")
    limits = input_limits(request, chooser, request.GET)
    is_fresh = "fresh" in request.GET
    page = read_page(storage_of(request), Place.read(request.GET), limits=limits, is_fresh=is_fresh)
    add = request.GET.get("add", "")
    if "read" in request.GET:
        uploads.put_away(request)
    context = {
        "fates": uploads.kept_fates(request, page.place),
        "add": add if add in (ADDITIONS if page.place.bucket else (NEW_BUCKET,)) and not page.error else "",
        "name": drafts.restored_value(
            request, "name", request.GET.get("name", "")
        ),  # of the bucket or folder to be made
        "picked": _picked(page, request.GET.get("pick", "")),
        "model_id": request.GET.get("model_id") if limits else None,
    }
    if wants_part(request) and chooser in CHOOSERS:
        context |= chooser_context(page, chooser, surface="dialog")
        return _in_dialog(render(request, "console/s3/_s3_chooser.html", context))
    return render(request, "console/s3/s3.html", context | {"page": page, "surface": "page"})


def _picked(page: PlacePage, uri: str) -> str:
    """Return *uri*, such as a file just uploaded, if it is on the page and can be chosen; else an empty string."""
    if uri == page.place.uri:
        return uri
    return next((row.uri for row in page.rows if row.uri == uri and row.is_choosable), "")


@require_safe
def folder_summary(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Return what a job would read in a folder, for the chooser to show when the folder is picked."""
    place = Place.read(request.GET)
    limits = limits_for(request.connection, request.GET.get("model_id", ""))
    context: dict[str, Any] = {}
    try:
        context["found"] = folder_input(storage_of(request), place.bucket, place.folder, limits)
    except (AwsError, UserError) as error:
        context["error"] = error
    return render(request, "console/s3/_s3_folder_summary.html", context)


def _in_dialog(response: HttpResponse) -> HttpResponse:
    """Keep the page's URL: htmx 2 pushes the URL of a boosted link despite its hx-push-url."""
    return push_url(response, False)


@require_safe
@vary_on_headers(*ASKERS)
def s3_object(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Show one object or one version of it: its metadata and a preview; also inside the chooser dialog."""
    bucket, key = object_place(request)
    folder, slash, name = key.rpartition("/")
    chooser = request.GET.get("choose", "")
    context: dict[str, Any] = {"uri": f"s3://{bucket}/{key}", "name": name, "place": Place(bucket, folder + slash)}
    context |= {"version_id": request.GET.get("version", ""), "choose": chooser if chooser in CHOOSERS else ""}
    context |= _read_object(request, bucket, key)
    if wants_part(request) and chooser in CHOOSERS:
        limits = input_limits(request, chooser, request.GET)
        found = hindrance(context["object"], limits) if limits and "object" in context else None
        context |= {"surface": "dialog", "hindrance": found, "model_id": request.GET.get("model_id")}
        return _in_dialog(render(request, "console/s3/_s3_chooser_object.html", context))
    if "object" in context:
        found = hindrance(context["object"], limits_for(request.connection, ""))
        context |= {"hindrance": found, "is_table": key.lower().endswith(TABLES)}
    status = _status(context["error"]) if context["error"] else 200
    return render(request, "console/s3/s3_object.html", context, status=status)


def _read_object(request: ConsoleRequest, bucket: str, key: str) -> dict[str, Any]:
    """Return the content of the object's page; a failed read is an error in it.

    Versions of a missing object are looked up without a request for them, because they outlive its deletion.
    """
    storage, version_id = storage_of(request), request.GET.get("version", "")
    found: dict[str, Any] = {"error": None}
    try:
        found["object"] = storage.head(bucket, key, version_id=version_id)
    except (AwsError, UserError) as error:
        found["error"] = error
    else:
        found["preview"] = preview(storage, bucket, found["object"], version_id=version_id)
    is_gone = found["error"] and found["error"].code in NOT_THERE
    if "versions" in request.GET or is_gone:
        found |= _versions(storage, bucket, key, is_asked_for="versions" in request.GET)
    return found


def _versions(storage: Storage, bucket: str, key: str, *, is_asked_for: bool) -> dict[str, Any]:
    """Return the versions and when the object was deleted; an error only if the versions were requested."""
    try:
        versions = storage.versions(bucket, key)
    except (AwsError, UserError) as error:
        return {"versions_error": error} if is_asked_for else {}
    deleted_at = versions[0].last_modified if versions and versions[0].is_deleted else None
    return {"versions": versions, "deleted_at": deleted_at} if versions or is_asked_for else {}


def _status(error: AwsError | UserError) -> int:
    if isinstance(error, UserError):
        return 403
    return 404 if error.code in NOT_THERE else 502


@takes_files(max_bytes=LARGEST_OBJECT_BYTES)
@require_POST
def upload(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Upload the files and return to their folder; if any file failed, with the upload form open."""
    place = Place.read(request.POST)
    files: list[Any] = request.FILES.getlist("file")  # open, named files
    if not place.bucket or not files:
        messages.error(request, "Choose a file and a bucket to upload it to.")
        return _back(request, place, add="upload")
    fates = [uploads.Fate(file.name, _put(request, place, file)) for file in files]
    uploads.report(request, place, fates)
    is_done = not any(fate.problem for fate in fates)
    return _back(request, place, pick=place.uri + files[0].name) if is_done else _back(request, place, add="upload")


def _put(request: ConsoleRequest, place: Place, file: Any) -> str:
    """Upload one file. Return why it failed, or an empty string; other files are not affected."""
    key, may_replace = place.folder + file.name, "replace" in request.POST
    try:
        storage_of(request).upload(place.bucket, key, file, size=file.size, may_replace=may_replace)
    except (EmptyFile, ObjectExists) as error:
        return f"{uploads.refusal(error)} Then choose the file again."
    except (AwsError, UserError) as error:
        return f"{file.name} could not be uploaded. {sentences(error)}"
    return ""


@drafts.takes_drafts_on("s3-browse")
@require_POST
def create_folder(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Create an empty folder: in S3, an empty object whose key ends in a slash."""
    place = Place.read(request.POST)
    name = request.POST.get("name", "").strip().strip("/")
    if not place.bucket or not name or "//" in name:
        messages.error(request, "Enter a name for the folder.")
        return _back(request, place, add="folder")
    made = place.inside(place.bucket, f"{place.folder}{name}/")
    try:
        storage_of(request).create_folder(made.bucket, made.folder)
    except (AwsError, UserError) as error:
        messages.error(request, f"The folder {name} could not be created. {sentences(error)}")
        return _back(request, place, add="folder")
    messages.success(request, f"The folder {name} was created.")
    return _back(request, made, pick=made.uri)


def _back(request: ConsoleRequest, place: Place, **more: str) -> HttpResponse:
    """Redirect to the place, inside the chooser if the form was there. Only the chooser can pick a row."""
    chooser = request.POST.get("choose", "")
    more = more | {"choose": chooser} if chooser in CHOOSERS else {key: more[key] for key in more if key != "pick"}
    more |= {"model_id": request.POST["model_id"]} if "model_id" in request.POST else {}
    query = "&".join(filter(None, [place.query, urlencode(more)]))
    return redirect(f"{reverse('s3-browse', args=[request.connection.name])}?{query}")
