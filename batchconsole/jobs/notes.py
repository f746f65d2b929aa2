"""Notes on jobs: add one, remove one. Both are recorded in the job's audit trail with the text."""

from django.db import transaction

from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Actor, BatchJob, JobNote, Right, Verb
from batchconsole.jobs.models.job_note import LONGEST_NOTE
from batchconsole.jobs.rights.access import require_any, require_on_job


def add_note(job: BatchJob, actor: Actor, text: str) -> JobNote:
    """Add a note to *job*, whoever created it. Raises NotAllowed, and :class:`UserError` for an unusable text."""
    require_any(actor, (Right.SUBMIT, Right.OPERATE), job.connection)
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise UserError("The note is empty.", "text", "Enter a text.")
    if "\0" in text:
        raise UserError("The note contains a NUL character.", "text", "Remove it.")
    if len(text) > LONGEST_NOTE:
        raise UserError(
            f"The note has {len(text):,} characters.", "text", f"Shorten it to at most {LONGEST_NOTE:,} characters."
        )
    with transaction.atomic():
        note = JobNote.objects.create(job=job, created_by=actor, text=text)
        job.record(Verb.NOTE_ADDED, actor=actor, data={"note": text})
    return note


def remove_note(note: JobNote, actor: Actor) -> None:
    """Remove *note*, which takes the right to act on its author's things; the audit trail keeps its text."""
    require_on_job(actor, note)
    with transaction.atomic():
        if JobNote.objects.filter(pk=note.pk).delete()[0]:
            note.job.record(Verb.NOTE_REMOVED, actor=actor, data={"note": note.text})
