"""Archive ended jobs and restore them. Archived jobs are hidden from the list by default; nothing is deleted."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Actor, BatchJob, Verb
from batchconsole.jobs.rights.access import require_on_job


def archive(job: BatchJob, actor: Actor, *, data: dict[str, Any] | None = None) -> None:
    """Archive *job*, which must have ended; *data* goes into its event. Raises NotAllowed and :class:`UserError`."""
    require_on_job(actor, job)
    if not job.is_ended:
        raise UserError("Only jobs that have ended can be archived.", hint="Stop the job first, or wait for its end.")
    now = timezone.now()
    with transaction.atomic():
        if BatchJob.objects.filter(pk=job.pk, archived_at=None).update(archived_at=now, modified_at=now):
            job.record(Verb.ARCHIVED, actor=actor, data=data)
    job.refresh_from_db()


def unarchive(job: BatchJob, actor: Actor, *, data: dict[str, Any] | None = None) -> None:
    """Bring *job* back into the list; *data* goes into its event. Raises NotAllowed."""
    require_on_job(actor, job)
    with transaction.atomic():
        archived = BatchJob.objects.filter(pk=job.pk, archived_at__isnull=False)
        if archived.update(archived_at=None, modified_at=timezone.now()):
            job.record(Verb.UNARCHIVED, actor=actor, data=data)
    job.refresh_from_db()
