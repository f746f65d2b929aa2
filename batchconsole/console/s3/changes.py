"""Delete, rename or restore an object after a confirmation page that explains the consequences; and create a bucket."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST

from batchconsole.aws.errors import AwsError
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.console.frame import drafts
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.validators import validate_bucket_name
from batchconsole.console.s3.chooser import storage_of
from batchconsole.console.s3.inputs import refused_key
from batchconsole.console.s3.places import Place
from batchconsole.jobs.errors import UserError

MOST_KEY_BYTES = 1024  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html


class RenameForm(forms.Form):
    """The new name of an object; with slashes it can include a folder."""

    name = forms.CharField(max_length=MOST_KEY_BYTES, error_messages={"required": "Enter a name."})

    def __init__(self, *args: Any, folder: str, before: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.folder, self.before = folder, before

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip("/")
        if not name or "//" in name:
            raise ValidationError("Enter a name.")
        if name == self.before:
            raise ValidationError("Enter another name than it has.")
        if len((self.folder + name).encode()) > MOST_KEY_BYTES:
            raise ValidationError(f"The key of an object has up to {MOST_KEY_BYTES:,} bytes.")
        refused = refused_key(self.folder + name)
        if refused and self.before.endswith(".jsonl"):
            raise ValidationError(f"{refused.text} {refused.advice}")
        return name


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Show the consequences of deleting the object, or one version of it, or delete it on POST."""
    bucket, key = object_place(request)
    version_id = request.GET.get("version", "")
    context = about(bucket, key) | {"version_id": version_id}
    if request.method == "POST":
        try:
            _delete(request, bucket, key, version_id=version_id)
        except (AwsError, UserError) as error:
            context["problem"] = error
        else:
            which = f"Version {version_id} of {context['name']}" if version_id else context["name"]
            messages.success(request, f"{which} was deleted from {context['place'].uri}.")
            return to_versions(connection, context["uri"]) if version_id else to_place(connection, context["place"])
    return render(request, "console/s3/s3_delete.html", context | what_is_lost(request, bucket, key))


def _delete(request: ConsoleRequest, bucket: str, key: str, *, version_id: str) -> None:
    if version_id:
        storage_of(request).delete_version(bucket, key, version_id)
    else:
        storage_of(request).delete(bucket, key)


@require_http_methods(["GET", "HEAD", "POST"])
def restore(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Ask whether an older version shall be the current one, or restore it on POST."""
    bucket, key = object_place(request)
    version_id = request.GET.get("version", "")
    if not version_id:
        raise Http404("The address names no version.")
    storage = storage_of(request)
    context = about(bucket, key) | {"version_id": version_id, "users": storage.users_of(bucket, key)}
    if request.method == "POST":
        try:
            storage.restore_version(bucket, key, version_id)
        except (AwsError, UserError) as error:
            context["problem"] = error
        else:
            messages.success(request, f"{context['name']} is as in version {version_id} again.")
            return to_versions(connection, context["uri"])
    return render(request, "console/s3/s3_restore.html", context)


def what_is_lost(request: ConsoleRequest, bucket: str, key: str) -> dict[str, Any]:
    """Return whether S3 keeps versions of the object (None if unknown), and the jobs that use it."""
    storage = storage_of(request)
    try:
        is_kept = any(version.version_id not in ("", "null") for version in storage.versions(bucket, key))
    except (AwsError, UserError):
        return {"is_kept": None, "users": storage.users_of(bucket, key)}
    return {"is_kept": is_kept, "users": storage.users_of(bucket, key)}


@drafts.takes_drafts
@require_http_methods(["GET", "HEAD", "POST"])
def rename(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Ask for a new name of the object, or rename it on POST."""
    bucket, key = object_place(request)
    context = about(bucket, key)
    place, before = context["place"], context["name"]
    initial = {"name": drafts.restored_value(request, "name", before)}
    form = RenameForm(request.POST or None, initial=initial, folder=place.folder, before=before)
    if request.method == "POST" and form.is_valid():
        after = form.cleaned_data["name"]
        try:
            storage_of(request).rename(bucket, key, to_key=place.folder + after)
        except (AwsError, UserError) as error:
            form.add_error(None, sentences(error))
        else:
            messages.success(request, f"{before} was renamed to {after}.")
            uri = f"{place.uri}{after}"
            return redirect(f"{reverse('s3-object', args=[connection])}?{urlencode({'uri': uri})}")
    return render(request, "console/s3/s3_rename.html", context | {"form": form})


@drafts.takes_drafts_on("s3-browse")
@require_POST
def create_bucket(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Create a bucket and open it."""
    bucket = request.POST.get("name", "").strip()
    try:
        validate_bucket_name(bucket)
        storage_of(request).create_bucket(bucket)
    except ValidationError as error:
        messages.error(request, error.message)
    except (AwsError, UserError) as error:
        messages.error(request, f"The bucket {bucket} could not be created. {sentences(error)}")
    else:
        messages.success(request, f"The bucket {bucket} was created.")
        return to_place(connection, Place(bucket))
    return redirect(f"{reverse('s3-browse', args=[connection])}?{urlencode({'add': 'bucket', 'name': bucket})}")


def object_place(request: ConsoleRequest) -> tuple[str, str]:
    """Return the bucket and key in the query string. Raises Http404 unless they name an object."""
    try:
        bucket, key = parse_s3_uri(request.GET.get("uri", ""))
    except ValueError as error:
        raise Http404(str(error)) from error
    if not key:
        raise Http404("That is a bucket, not an object.")
    return bucket, key


def about(bucket: str, key: str) -> dict[str, Any]:
    """Return the object's URI, name and place; the marker object of a folder has the folder's name."""
    folder, slash, name = key.rstrip("/").rpartition("/")
    name += "/" if key.endswith("/") else ""
    return {"uri": f"s3://{bucket}/{key}", "name": name, "place": Place(bucket, folder + slash)}


def to_versions(connection: str, uri: str) -> HttpResponse:
    return redirect(f"{reverse('s3-object', args=[connection])}?{urlencode({'uri': uri, 'versions': '1'})}#versions")


def to_place(connection: str, place: Place) -> HttpResponse:
    return redirect(f"{reverse('s3-browse', args=[connection])}?{place.query}")
