"""Notes on a job: list them, add one, remove one."""

from typing import Any

from django.http import Http404, HttpRequest
from ninja import Router
from ninja.responses import Status as Answer

from batchconsole.api.v1.jobs import find_job
from batchconsole.api.v1.schemas import Key, NoteIn, NoteOut
from batchconsole.api.v1.scope import ConnectionName, caller_of
from batchconsole.jobs import notes
from batchconsole.jobs.models import JobNote, Right

router = Router(tags=["Notes"])


@router.get(
    "/{job_id}/notes/", response=list[NoteOut], operation_id="list_notes", summary="Notes on a job, newest first"
)
def list_notes(request: HttpRequest, connection: ConnectionName, job_id: Key) -> Any:
    return find_job(request, connection, job_id, Right.VIEW).notes.select_related("created_by")


@router.post("/{job_id}/notes/", response={201: NoteOut}, operation_id="add_note", summary="Add a note to a job")
def add_note(request: HttpRequest, connection: ConnectionName, job_id: Key, payload: NoteIn) -> Answer[JobNote]:
    job = find_job(request, connection, job_id, Right.VIEW)
    return Answer(201, notes.add_note(job, caller_of(request), payload.text))


@router.delete(
    "/{job_id}/notes/{note_id}",
    response={204: None},
    operation_id="remove_note",
    summary="Remove a note; the audit trail keeps its text",
)
def remove_note(request: HttpRequest, connection: ConnectionName, job_id: Key, note_id: Key) -> Answer[None]:
    job = find_job(request, connection, job_id, Right.VIEW)
    note: JobNote | None = job.notes.select_related("job__connection").filter(pk=note_id).first()
    if note is None:
        raise Http404(f"There is no note {note_id} on job {job_id}.")
    notes.remove_note(note, caller_of(request))
    return Answer(204, None)
