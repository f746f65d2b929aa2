"""Notices that a job may expire before it starts, or makes no progress: each once per job."""

from django.db import transaction

from batchconsole.jobs.models import BatchJob, Connection, Notice, NotificationChannel
from batchconsole.jobs.models.notification import facts_of
from batchconsole.jobs.occasions import MAY_EXPIRE, STUCK
from batchconsole.jobs.warnings import EXPIRING, warned_jobs


def tell_warnings(connection: Connection) -> None:
    """Write a notice for each warning of a job of *connection* that has not been reported yet."""
    channels = NotificationChannel.objects.for_connection(connection.pk)
    if not any({MAY_EXPIRE.code, STUCK.code} & set(each.occasions) for each in channels):
        return
    warned = {
        job: MAY_EXPIRE.code if warning.title == EXPIRING else STUCK.code for job, warning in warned_jobs(connection)
    }
    told = set(Notice.objects.filter(job__in=warned).values_list("job_id", "occasion"))
    for job, occasion in warned.items():
        if (job.pk, occasion) not in told:
            _tell_once(job, occasion)


def _tell_once(job: BatchJob, occasion: str) -> None:
    with transaction.atomic():
        Connection.objects.lock(job.connection_id)
        if not Notice.objects.filter(job=job, occasion=occasion).exists():
            Notice.write(occasion, connection_id=job.connection_id, job_id=job.pk, data=facts_of(job))
