"""Several tables at once: the files that the form keeps, the orders for them, and the page with what becomes of each.

The form shows one of the files, and its recipe is for all of them. A file that cannot be used keeps its place in the
list and stops none of the others.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from itertools import count
from pathlib import PurePosixPath
from typing import Any, Self

import msgspec
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from batchconsole.aws.constraints import job_constraints
from batchconsole.aws.errors import AwsError
from batchconsole.console.frame import put_aside
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.answers import show, version_of
from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.numbers import read_numbers
from batchconsole.console.make_input.forms import S3, MakingForm
from batchconsole.console.make_input.template_steps import made_with
from batchconsole.console.make_input.upload_handler import ArrivingFile
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.inputs import making
from batchconsole.jobs.inputs.input_sources import Look, from_upload, look
from batchconsole.jobs.inputs.making_orders import Order
from batchconsole.jobs.models import MadeInput
from batchconsole.jobs.s3 import uploads
from batchconsole.jobs.same_request import made_before, made_once
from batchconsole.records.making import RecipeError
from batchconsole.records.tables import TableError

OTHERS, NAMES = "other_upload", "other_name"  # lists in the form's data, in the same order
MOST_FILES = 50
FOLDER_NEEDED = "Enter a folder, which ends with a slash: each file becomes an object of its own in a new folder there."
FOLDER_TOO_LONG = "With the names of the files, an S3 URI has {:,} characters. At most {:,} fit. Enter a shorter one."
NOT_MADE = "{} not made, because the folder may no longer be written. Upload what is missing again, for another folder."
LONGEST_NAME = 255  # as of an uploaded file in Django
UNUSABLE = (TableError, UserError, RecipeError, AwsError)


@dataclass(frozen=True)
class KeptFile:
    """An uploaded file: its token and the name that it had on the person's computer."""

    token: str
    name: str

    @classmethod
    def posted(cls, token: str, name: str) -> Self:
        """Return the file of a form's data. Any text can be posted; this one fits the column of the name."""
        return cls(token, name.replace("\0", "")[:LONGEST_NAME])

    @property
    def stem(self) -> str:
        """Its name without ending, of characters that Bedrock accepts in a path."""
        plain = "".join(each if each.isascii() and (each.isalnum() or each in "-_") else "-" for each in self.name)
        return plain[: -len(PurePosixPath(self.name).suffix) or None].strip("-") or "records"

    def look(self, form: MakingForm) -> Look:
        """Read its first rows and try the recipe on them. Raises the errors in :data:`UNUSABLE`."""
        found = look(from_upload(self.token, self.name), **form.separation)
        if form.recipe.template:
            found.first_records(form.recipe)
        return found


@dataclass(frozen=True)
class Fate:
    """What the form says of a file: its columns or rows, or why it cannot be used."""

    file: KeptFile
    found: Look | None = None
    problem: str = ""


def take_files(files: Iterable[Any], owner: int, data: QueryDict) -> Iterator[str]:
    """Keep the arrived *files* of the user *owner* in place of earlier ones; yield why one could not be kept.

    The first that can be read is the one that the form shows.
    """
    for file in _files_in(data):
        uploads.forget(file.token)
    kept: list[KeptFile] = []
    for file in files:
        if len(kept) == MOST_FILES:
            yield f"{file.name}: at most {MOST_FILES} files are taken at once."
        elif isinstance(file, ArrivingFile):
            try:
                kept.append(KeptFile(file.keep(owner), file.name or "file"))
            except UserError as error:
                yield sentences(error)
    _store(data, sorted(kept, key=lambda each: not _is_readable(each)) if len(kept) > 1 else kept)


def _is_readable(file: KeptFile) -> bool:
    try:
        return bool(look(from_upload(file.token, file.name)))
    except UNUSABLE:
        return False


def _store(data: QueryDict, files: Sequence[KeptFile]) -> None:
    first, others = (files[0] if files else KeptFile("", "")), files[1:]
    data["upload"], data["upload_name"] = first.token, first.name
    data.setlist(OTHERS, [file.token for file in others])
    data.setlist(NAMES, [file.name for file in others])


def others_in(data: Mapping[str, Any]) -> list[KeptFile]:
    """Return the files in the form's data besides the one that the form shows, each once.

    They are as many as :func:`take_files` keeps, however many are posted; an object in S3 has none beside it.
    """
    if not isinstance(data, QueryDict) or data.get("source") == S3:
        return []
    found: dict[str, KeptFile] = {}
    for token, name in zip(data.getlist(OTHERS), data.getlist(NAMES), strict=False):
        if uploads.TOKEN.fullmatch(token) and token != data.get("upload"):
            found.setdefault(token, KeptFile.posted(token, name))
    return list(found.values())[: MOST_FILES - 1]


def _files_in(data: QueryDict) -> list[KeptFile]:
    """Return all files in the form's data, the one that it shows first."""
    return [KeptFile.posted(data.get("upload", ""), data.get("upload_name", "")), *others_in(data)]


def forget_file(data: QueryDict) -> None:
    """Delete the file whose token is posted as ``forget_upload``; the next one takes the place of the one shown."""
    files = _files_in(data)
    token = data["forget_upload"]
    gone = token if token in {file.token for file in files} else files[0].token
    uploads.forget(gone)
    _store(data, [file for file in files if file.token != gone])


def fates_of(form: MakingForm) -> list[Fate]:
    """Return what the form says of each file; empty unless there are several."""
    files = _files_of(form) if form.token else []
    return [_fate(file, form) for file in files] if len(files) > 1 else []


def _files_of(form: MakingForm) -> list[KeptFile]:
    return [KeptFile.posted(form.token, str(form["upload_name"].value() or "file")), *others_in(form.posted)]


def _fate(file: KeptFile, form: MakingForm) -> Fate:
    try:
        return Fate(file, file.look(form))
    except UNUSABLE as error:
        return Fate(file, problem=_words(error))


def _words(error: Exception) -> str:
    return " ".join(filter(None, (str(error), getattr(error, "hint", ""))))


def folder_problem(form: MakingForm) -> str:
    """Return why the destination is not one for several files; empty if it is."""
    uri = str(form["output_s3_uri"].value() or "").strip()
    if not uri.endswith("/") and uri.count("/") != len("//"):
        return FOLDER_NEEDED
    longest = max(len(place) for _, place in _places(_files_of(form), uri.rstrip("/"), mark=""))
    most = job_constraints()["s3Uri"].max
    return FOLDER_TOO_LONG.format(longest, most) if most and longest > most else ""


def make_each(request: ConsoleRequest, form: MakingForm, mark: str) -> HttpResponse:
    """Let a worker make input of each file, and go to the page that follows them. Those that cannot be are told there.

    The objects lie in a new folder, so that a job reads them and nothing else. What the same request has made before
    is not made again.
    """
    rows = []
    places = _places(_files_of(form), form.cleaned_data["output_s3_uri"].rpartition("/")[0], mark=mark)
    for number, (file, place) in enumerate(places):
        token = mark_of(mark, number)
        make = partial(_make, request, form, file, output_s3_uri=place, token=token)
        rows.append(made_once(MadeInput, form.connection, request.user, token=token, make=make))
        if rows[-1].upload != file.token:  # it cannot be used, or is a second copy of one that was
            uploads.forget(file.token)
    return redirect(several_url(request, [row.pk for row in rows]))


def make_rest(request: ConsoleRequest, form: MakingForm, mark: str) -> HttpResponse:
    """Answer a form that was sent before: make those files that were not made then, and follow all of them.

    The form as a whole may be invalid by now, because a worker uses up the file that it shows.
    """
    form.full_clean()
    if form.cleaned_data.keys() >= {"output_s3_uri", "model_id"}:
        return make_each(request, form, mark)
    marks = [mark_of(mark, number) for number in range(len(_files_of(form)))]
    rows = [row for each in marks if (row := made_before(MadeInput, form.connection, request.user, each))]
    missing = len(marks) - len(rows)
    if missing:
        messages.error(request, NOT_MADE.format(f"{missing} file was" if missing == 1 else f"{missing} files were"))
    return redirect(several_url(request, [row.pk for row in rows]))


def _places(files: Sequence[KeptFile], above: str, *, mark: str) -> Iterator[tuple[KeptFile, str]]:
    """Yield each file with the URI of its object, in a folder in *above* that no other request *mark* has."""
    folder = f"{above}/{files[0].stem}-and-{len(files) - 1}-more-{(mark or files[0].token)[:6]}/"
    stems: set[str] = set()
    for file in files:
        stem = next(name for name in _numbered(file.stem) if name not in stems)
        stems.add(stem)
        yield file, f"{folder}{stem}.jsonl"


def _numbered(stem: str) -> Iterator[str]:
    """Yield ``reviews``, ``reviews-2``, ``reviews-3`` and so on."""
    yield stem
    yield from (f"{stem}-{number}" for number in count(2))


def mark_of(mark: str, number: int) -> str:
    """Return the token of the input from file *number* of the request *mark*; that of the first is the request's."""
    return blake2b(f"{mark}-{number}".encode(), digest_size=16).hexdigest() if mark and number else mark


def _make(request: ConsoleRequest, form: MakingForm, file: KeptFile, *, output_s3_uri: str, token: str) -> MadeInput:
    """Schedule the input of *file*, or record why it cannot be made."""
    recipe = form.recipe
    if not recipe.record_id_column:
        recipe = msgspec.structs.replace(recipe, record_id_prefix=f"{PurePosixPath(output_s3_uri).stem}-")
    try:
        order = Order(
            source=from_upload(file.token, file.name),
            look=file.look(form),
            recipe=recipe,
            output_s3_uri=output_s3_uri,
            upload=file.token,
            request_token=token,
            made_with=made_with(form),
            model_id=form.cleaned_data["model_id"],
            **form.separation,
        )
        return making.start_making(form.connection, request.user, order)
    except UNUSABLE as error:
        return making.record_failure(
            form.connection,
            request.user,
            source_name=file.name,
            recipe=recipe,
            output_s3_uri=output_s3_uri,
            request_token=token,
            error={"message": str(error), "hint": getattr(error, "hint", "")},
        )


def several_url(request: ConsoleRequest, keys: Sequence[int]) -> str:
    query = urlencode([*(("made", key) for key in keys), *put_aside.mark(request).items()])
    return f"{reverse('input-several', args=[request.connection.name])}?{query}"


class Several:
    """The inputs that were asked for together, and one sentence about all of them once they have ended."""

    def __init__(self, rows: QuerySet[MadeInput]) -> None:
        self.rows = list(rows)
        self.done = [row for row in self.rows if row.state == MadeInput.State.DONE]
        self.is_finished = all(row.is_finished for row in self.rows)
        self.records = sum(row.records for row in self.done)

    @property
    def folder(self) -> str:
        return f"{self.rows[0].output_s3_uri.rpartition('/')[0]}/"

    @property
    def summary(self) -> str:
        """What became of all; empty until each has ended."""
        if not self.is_finished:
            return ""
        some = f"{len(self.done)} of {len(self.rows)}" if len(self.done) < len(self.rows) else f"All {len(self.rows)}"
        return f"{some} files were written: {self.records:,} records in {self.folder}."

    @property
    def version(self) -> str:
        return version_of(*((row.pk, row.state, row.bytes_read, row.records, row.error) for row in self.rows))


@require_safe
def several(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Follow the inputs that were asked for together."""
    keys = list(read_numbers(request.GET.getlist("made")))[:MOST_FILES]
    found = Several(MadeInput.objects.filter(connection=request.connection, pk__in=keys).order_by("pk"))
    if not found.rows:
        raise Http404("There is no such input.")
    fields = {**(found.done or found.rows)[0].form_fields, "input_s3_uri": found.folder}
    context = {
        "several": found,
        "job_url": f"{reverse('job-create', args=[connection])}?{urlencode(fields | put_aside.mark(request))}",
        "own_url": several_url(request, [row.pk for row in found.rows]),
    }
    return show(request, "console/make_input/several.html", context, version=found.version)
