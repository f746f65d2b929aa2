"""Routines of the server that is looked at: schedules, watched folders, notifications, and words of people."""

from datetime import timedelta
from typing import Any

from batchconsole.jobs.models import (
    BatchJob,
    Delivery,
    JobNote,
    JobTemplate,
    Notice,
    NotificationChannel,
    Schedule,
    ScheduleRun,
    Status,
    WatchedFile,
)
from batchconsole.jobs.occasions import USUAL
from tests.browser.pages.seed_jobs import LONG, SeedOfJobs

CHANNELS = {
    "email": "The address of the account",
    "chat": "Slack (slack://T...2/A...D/T...Q)",
    "webhook": "https://hooks.example.com/batch",
}


class SeedOfRoutines(SeedOfJobs):
    """What goes on beside jobs."""

    def make_schedules(self) -> None:
        """A schedule that was stopped, with a run of each outcome, and a watched folder with files of every fate."""
        job = BatchJob.objects.get(pk=self.names[Status.COMPLETED])
        values = {
            "connection": self.local,
            "created_by": self.person,
            "definition": job.request.as_fields() | {"job_name": "nightly-{date:%Y%m%d}"},
            "due_at": None,
        }
        nightly = Schedule.objects.create(
            title=f"Reviews of {LONG}",
            kind="rule",
            rule="30 2 * * 1-5",
            zone="Europe/Berlin",
            is_active=False,
            stop_reason="ada, in whose name it runs, may not submit jobs on Local stack any more.",
            **values,
        )
        for number, outcome in enumerate(ScheduleRun.Outcome):
            is_made, at = outcome == ScheduleRun.Outcome.CREATED, self.now - timedelta(days=number)
            reason = "" if is_made else "The job name is already in use. Choose another one."
            nightly.runs.create(planned_at=at, outcome=outcome, reason=reason, job=job if is_made else None)
        folder = Schedule.objects.create(
            title="Uploads", kind="folder", folder_s3_uri=f"s3://{self.bucket}/input", next_at=self.now, **values
        )
        for state in WatchedFile.State:
            uri, is_made = f"s3://{self.bucket}/input/{state}/{LONG}.jsonl", state == WatchedFile.State.SUBMITTED
            reason = "It has 3 records, and the schedule takes files from 100 on." if state == "skipped" else ""
            folder.files.create(
                s3_uri=uri, etag="d41d8cd98f00b204", size=9000, state=state, reason=reason, job=job if is_made else None
            )
        self.names |= {"schedule": nightly.pk, "folder": folder.pk}

    def make_notifications(self) -> None:
        """A channel of each kind, and one that is paused, with deliveries of every outcome."""
        away = "The receiver answered 503 Service Unavailable."
        for number, (kind, shown) in enumerate(CHANNELS.items()):
            NotificationChannel.objects.create(
                user=self.person, kind=kind, name=f"Team {kind}", shown=shown, occasions=list(USUAL), failures=number
            )
        hook = NotificationChannel.objects.create(
            connection=self.local,
            kind="webhook",
            name="Pipeline of the research team",
            shown="https://hooks.example.com/batch/console/with/a/rather/long/path",
            occasions=["job.failed", "job.completed_with_errors"],
            paused_at=self.now,
            pause_reason=f"Paused, because 12 attempts in a row have failed since 29 November. The last: {away}",
        )
        log = [{"at": self.now.isoformat(), "seconds": 0.2, "message": away}] * 3
        for state in Delivery.State:
            data, job = {"job_name": LONG}, self.names[Status.FAILED]
            notice = Notice.objects.create(
                connection=self.local, job_id=job, occasion="job.failed", data=data, due_at=None
            )
            Delivery.objects.create(
                notice=notice, channel=hook, state=state, attempts=3, message=away, log=log, due_at=None
            )
        self.names["channel"] = hook.pk

    def make_words_of_people(self) -> None:
        """Notes on a job, one of them long, and job templates, one of them nearly empty."""
        job = BatchJob.objects.get(pk=self.names["Completed"])
        JobNote.objects.create(job=job, created_by=self.colleague, text="Checked by hand: see s3://reviews/2026/. " * 9)
        JobNote.objects.create(job=job, created_by=self.person, text="Good.\nUsed for the report.")
        shared: dict[str, Any] = {"connection": self.local, "created_by": self.person, "changed_by": self.colleague}
        values = {name: value for name, value in job.request.as_fields().items() if value}
        JobTemplate.objects.create(name="Nightly reviews of the whole product catalogue", values=values, **shared)
        JobTemplate.objects.create(name="Any", values={"tags": [{"key": "team", "value": "nlp"}]}, **shared)
