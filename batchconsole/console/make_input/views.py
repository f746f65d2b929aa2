"""Making batch input: the form with its live preview, and the progress of a worker that processes a large file."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from batchconsole.aws.errors import AwsError
from batchconsole.body_limits import takes_files
from batchconsole.console.frame import drafts, put_aside
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit import sent_twice
from batchconsole.console.kit.answers import show, version_of, wants_part
from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.numbers import read_number
from batchconsole.console.kit.steps import take_step
from batchconsole.console.make_input import several
from batchconsole.console.make_input.answer_fields import edit_rows
from batchconsole.console.make_input.forms import S3, UPLOAD, MakingForm, suggestions
from batchconsole.console.make_input.judging import JUDGED, told
from batchconsole.console.make_input.template_steps import made_with, save_template, use_chosen, use_version
from batchconsole.console.make_input.upload_handler import ArrivingFile, DataFolderUploadHandler
from batchconsole.console.models.search import ModelSearch
from batchconsole.console.models.summary import summary_context
from batchconsole.console.s3.browser import read_page
from batchconsole.console.s3.chooser import CHOOSERS, chooser_context, storage_of
from batchconsole.console.s3.places import Place
from batchconsole.jobs import same_request
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.inputs import making
from batchconsole.jobs.inputs.input_sources import PREVIEW_ROWS
from batchconsole.jobs.inputs.making_orders import Order
from batchconsole.jobs.inputs.prompt_templates import find_version
from batchconsole.jobs.models import MadeInput
from batchconsole.jobs.s3 import uploads
from batchconsole.jobs.s3.refusals import ObjectInUse
from batchconsole.records.bodies import SHAPES
from batchconsole.records.families import FAMILIES
from batchconsole.records.limits import DEFAULTS
from batchconsole.records.making import Made
from batchconsole.records.pretty import lay_out
from batchconsole.records.tables import TableError

MISSING = {"NoSuchBucket"}
MOST_SHOWN = 20_000  # characters per record in the preview
SPOKEN = {  # for screen readers; progress is not announced, because it would never stop
    MadeInput.State.QUEUED: "The input is being made.",
    MadeInput.State.RUNNING: "The input is being made.",
    MadeInput.State.DONE: "The input was written.",
    MadeInput.State.FAILED: "The input could not be made.",
    MadeInput.State.CANCELLED: "Cancelled.",
}
LARGEST_FILE_BYTES = DEFAULTS.bytes_per_job


@dataclass(frozen=True)
class ShownRecord:
    """A record in the preview: the system prompt, the prompt text, and the record as it is written."""

    record_id: str
    system: str
    prompt: str
    text: str

    @classmethod
    def of(cls, made: Made, shape: str) -> "ShownRecord":
        record = msgspec.json.encode({"recordId": made.record_id, "modelInput": made.body})
        family = FAMILIES[SHAPES[shape].family]
        system, prompt = family.system_text(made.body)[:MOST_SHOWN], family.prompt_text(made.body)[:MOST_SHOWN]
        return cls(made.record_id[:MOST_SHOWN], system, prompt, lay_out(record, most=MOST_SHOWN).text)


@drafts.takes_drafts
@takes_files(max_bytes=LARGEST_FILE_BYTES)
@csrf_exempt  # checked in _new(), once the upload handler is set: reading the token receives the file
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Show the blank form, apply a step, or submit it. An uploaded file is kept on disk in every case."""
    request.upload_handlers = [DataFolderUploadHandler(request)]
    return _new(request)


@csrf_protect
def _new(request: ConsoleRequest) -> HttpResponse:
    if request.method != "POST":
        if put_aside.MARK not in request.GET:
            put_aside.forget(request)  # opened directly, not from the create form
        return _begin(request)
    data = request.POST.copy()
    _take_files(request, data)
    focus = edit_rows(data)
    if focus:
        form = MakingForm.draft(data, storage=storage_of(request))
        form.focus(focus)
        return _show(request, form)
    if data.get("preview") or "preview_step" in data:
        _step_preview(data)
        form = MakingForm.draft(data, storage=storage_of(request))
        return _preview(request, form) if wants_part(request) else _show(request, form)
    if "use_template" in data:
        return _use_template(request, data)
    if "save_template" in data:
        return _save_template(request, data)
    if "read" in data or "forget_upload" in data:
        return _read(request, data)
    step = take_step(data)
    if step is None:
        return _submit(request, data)
    data, shown = step
    form = MakingForm.draft(data, storage=storage_of(request))
    form.focus(shown.focus)
    context: dict[str, Any] = {}
    if shown.chooser in CHOOSERS:
        page = read_page(storage_of(request), Place.read(QueryDict(shown.place)))
        context = chooser_context(page, shown.chooser, surface="inline")
    if shown.picker is not None:
        context = {
            "picker": ModelSearch.read(request.connection, request.user, query=shown.picker),
            "surface": "inline",
        }
    return _show(request, form, **context)


def _begin(request: ConsoleRequest) -> HttpResponse:
    """Show the form: a draft, a blank one, or one with the S3 object from the query string as its source."""
    draft = drafts.restored(request)
    if draft is not None:
        return _show(request, MakingForm.draft(draft, storage=storage_of(request)))
    uri = request.GET.get("input_s3_uri", "")
    version = find_version(request.connection, request.GET.get("template", ""))
    model_id = put_aside.taken_up(request).get("model_id", "")
    if not uri and version is None:
        blank = MakingForm(storage=storage_of(request), initial={"model_id": model_id})
        return _show(request, blank, is_dirty=False)
    data = QueryDict(mutable=True)
    data.update(
        {
            "model_id": model_id,
            "source": S3 if uri else UPLOAD,
            "input_s3_uri": uri,
            sent_twice.FIELD: sent_twice.new_token(),
        }
    )
    if version is not None:
        use_version(data, version, columns=())
    return _read(request, data)


def _use_template(request: ConsoleRequest, data: QueryDict) -> HttpResponse:
    """Fill the form with the chosen version of a template."""
    form = MakingForm.draft(data, storage=storage_of(request))
    use_chosen(form, data)
    if "chosen_template" not in form.errors:
        form = MakingForm.draft(data, storage=storage_of(request))
    form.focus("chosen_template" if "chosen_template" in form.errors else "template")
    return _show(request, form)


def _save_template(request: ConsoleRequest, data: QueryDict) -> HttpResponse:
    """Save the recipe in the form as a new version of a template."""
    form = MakingForm.draft(data, storage=storage_of(request))
    saved = save_template(form, request.user, data)
    if saved:
        form = MakingForm.draft(data, storage=storage_of(request))
        form.focus("save_as")
    else:
        form.focus_first_error()
    return _show(request, form, saved=saved)


def _take_files(request: ConsoleRequest, data: QueryDict) -> None:
    """Keep the uploaded files if they are the source, and put their tokens into the form's data."""
    files = request.FILES.getlist("file")
    if files and data.get("source") != S3:
        for problem in several.take_files(files, int(request.user.pk or 0), data):
            messages.error(request, problem)


def _read(request: ConsoleRequest, data: QueryDict) -> HttpResponse:
    """Read the source, and fill blank fields with values that suit it."""
    if "forget_upload" in data:
        several.forget_file(data)
    found = suggestions(MakingForm.draft(data, storage=storage_of(request)))
    for name, value in found.items():
        if not data.get(name, "").strip():
            data[name] = value
    form = MakingForm.draft(data, storage=storage_of(request))
    form.focus(form.source_field if form.errors else "template" if form.look and not form.look.foreign else "")
    return _show(request, form)


def _show(request: ConsoleRequest, form: MakingForm, *, is_dirty: bool = True, **context: Any) -> HttpResponse:
    """Return the page with *form*; for htmx, only the content of the form."""
    if put_aside.mark(request):
        form.cancel_to(job_url(request, {}))
    chosen = summary_context(request.connection, str(form["model_id"].value() or "").strip())
    fates = several.fates_of(form)
    shown = {"form": form, "fates": fates, "is_dirty": is_dirty, **chosen, **_previewed(form), **context}
    return show(request, "console/make_input/making.html", shown, part="console/make_input/_making_form.html")


def _step_preview(data: QueryDict) -> None:
    """Go to the rows that Previous or Next asks for."""
    step = {"previous": -PREVIEW_ROWS, "next": PREVIEW_ROWS}.get(str(data.get("preview_step", "")), 0)
    data["preview_row"] = str(max(1, read_number(str(data.get("preview_row") or "1").strip()) + step))


def _preview(request: ConsoleRequest, form: MakingForm) -> HttpResponse:
    """Return the preview, and with it what is said of the fields."""
    judged = [form[name] for name in (form.source_field, *JUDGED) if name in form.shown_order]
    context = {"form": form, "judged": judged, "fates": several.fates_of(form), **_previewed(form)}
    return render(request, "console/make_input/_making_live.html", context)


def _previewed(form: MakingForm) -> dict[str, Any]:
    if form.look is None:
        return {}
    records, problem = form.preview()
    return {
        "look": form.look,
        "estimate": form.estimate,
        "told": told(form),
        "first_row": form.first_previewed,
        "has_next": len(records) == PREVIEW_ROWS,
        "shown": [ShownRecord.of(made, form.recipe.shape) for made in records],
        "problem": problem,
    }


def _submit(request: ConsoleRequest, data: QueryDict) -> HttpResponse:
    """Make the input; a form that was sent before leads to the input it made then."""
    mark = _mark(request)
    form = MakingForm(data, storage=storage_of(request))
    before = _made_before(request, mark)
    if before is not None:
        return _repeat(request, form, before, mark)
    has_others = bool(several.others_in(data))
    if has_others and (problem := several.folder_problem(form)):
        form.add_error("output_s3_uri", problem)
    if form.is_valid() and form.origin and form.look:
        if form.warnings and form.cleaned_data["told"] != told(form):
            return _doubt(request, form)
        return several.make_each(request, form, mark) if has_others else _make(request, form, mark)
    before = _made_before(request, mark)  # another request may have made it and used up the file
    if before is not None:
        return _repeat(request, form, before, mark)
    form.focus_first_error()
    return _show(request, form)


def _repeat(request: ConsoleRequest, form: MakingForm, before: MadeInput, mark: str) -> HttpResponse:
    """Answer a form that was sent before and made *before*, and more if it has several files."""
    if several.others_in(form.posted):
        return several.make_rest(request, form, mark)
    return _go_on(request, before, str(form["upload"].value() or ""))


def _doubt(request: ConsoleRequest, form: MakingForm) -> HttpResponse:
    """Show the warnings that have not been seen yet; the next press writes all the same."""
    form.focus(next(iter(form.warnings)))
    return _show(request, form, is_doubted=True)


def _mark(request: ConsoleRequest) -> str:
    files = (file for file in request.FILES.getlist("file") if isinstance(file, ArrivingFile))
    return sent_twice.request_mark(request.POST, *(file.digest.hexdigest() for file in files))


def _made_before(request: ConsoleRequest, mark: str) -> MadeInput | None:
    return same_request.made_before(MadeInput, request.connection, request.user, mark)


def _make(request: ConsoleRequest, form: MakingForm, mark: str) -> HttpResponse:
    """Make small input within the request, and leave larger input to a worker."""
    order = _order(form, mark)
    is_small = making.is_small(order.source, order.look, order.recipe)
    make = partial(making.make_now if is_small else making.start_making, form.connection, request.user, order)
    try:
        made = same_request.made_once(MadeInput, form.connection, request.user, token=mark, make=make)
    except TableError as error:
        form.add_error(form.source_field, sentences(error))
    except ObjectInUse as error:
        form.add_error("output_s3_uri", sentences(error))
    except AwsError as error:
        return _not_written(request, form, error)
    else:
        return _go_on(request, made, form.token)
    form.focus_first_error()
    return _show(request, form)


def _order(form: MakingForm, mark: str) -> Order:
    assert form.origin is not None
    assert form.look is not None
    return Order(
        source=form.origin,
        look=form.look,
        recipe=form.recipe,
        output_s3_uri=form.cleaned_data["output_s3_uri"],
        upload=form.token,
        source_s3_uri=form.source_s3_uri,
        request_token=mark,
        made_with=made_with(form),
        model_id=form.cleaned_data["model_id"],
        **form.separation,
    )


def _not_written(request: ConsoleRequest, form: MakingForm, error: AwsError) -> HttpResponse:
    if error.code not in MISSING:
        return _show(request, form, aws_error=error)
    bucket = form.cleaned_data["output_s3_uri"].split("/")[2]
    form.add_error("output_s3_uri", f"The bucket {bucket} does not exist.")
    form.focus_first_error()
    return _show(request, form)


def _go_on(request: ConsoleRequest, made: MadeInput, upload: str) -> HttpResponse:
    """Redirect to the job form if the input is done, else to the page that follows the worker.

    *upload* is the token of this request's file, which is deleted if it is a second copy.
    """
    if upload != made.upload:
        uploads.forget(upload)
    return on_to_the_job(request, made) if made.state == MadeInput.State.DONE else redirect(made)


def on_to_the_job(request: ConsoleRequest, made: MadeInput) -> HttpResponse:
    """Redirect to the create form with the input that was made."""
    messages.success(request, f"{_records(made.records)} written to {made.output_s3_uri}.")
    doubt = doubt_about(made.records)
    if doubt:
        messages.warning(request, doubt)
    return redirect(job_url(request, made.form_fields))


def _records(count: int) -> str:
    return f"{count:,} record{' was' if count == 1 else 's were'}"


def doubt_about(count: int) -> str:
    """Return a warning if most models would refuse a job with this number of records; else an empty string."""
    if count < DEFAULTS.min_records_per_job:
        return f"Most models require at least {DEFAULTS.min_records_per_job} records per job. The file has {count:,}."
    if count > DEFAULTS.records_per_job:
        return f"Most models accept up to {DEFAULTS.records_per_job:,} records per job. The file has {count:,}."
    return ""


def job_url(request: ConsoleRequest, fields: dict[str, Any]) -> str:
    """Return the URL of the create form with *fields* filled in and the rest as it was put aside."""
    query = urlencode(fields | put_aside.mark(request))
    return f"{reverse('job-create', args=[request.connection.name])}?{query}"


def merge_query(made: MadeInput) -> str:
    """Return the query string of the page that asks for the merge *made* again."""
    uris = [each["s3_uri"] for each in made.merged_files["files"]]
    values = {"folder": uris[0].rpartition("/")[0], "files": uris, "output_s3_uri": made.output_s3_uri}
    values |= {"duplicates": "prefix"} if made.merged_files.get("prefixes") else {}
    values |= {"media": "copy"} if made.merged_files.get("copies_media") else {}
    return urlencode(values, doseq=True)


@require_safe
def made(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Show the progress of a worker, and the next step once it is done."""
    rows = MadeInput.objects.select_related("resend_of__connection")
    row: MadeInput = get_object_or_404(rows, connection=request.connection, pk=pk)
    version = version_of(row.state, row.bytes_read, row.records, row.media_done, row.error)
    context = {
        "made": row,
        "doubt": doubt_about(row.records),
        "merge_query": merge_query(row) if row.merged_files else "",
        "job_url": job_url(request, row.form_fields),
        "spoken": SPOKEN[MadeInput.State(row.state)],
        "version": version,
    }
    return show(request, "console/make_input/input_made.html", context, version=version)


@require_POST
def cancel(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Cancel making the input before the object is written."""
    row: MadeInput = get_object_or_404(MadeInput.objects.all(), connection=request.connection, pk=pk)
    try:
        making.cancel_making(row, request.user)
    except UserError as error:
        messages.error(request, sentences(error))
    return redirect(row)
