"""Real workers that SIGKILL ends in the middle of a step: what they had not committed is done by the next, once.

Of a webhook whose receiver does not answer, ``test_notifications.py`` tells the same.
"""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from batchconsole.aws import s3
from batchconsole.jobs.models import BatchJob, Connection, OnDemandAnswer, Schedule, Status
from batchconsole.jobs.on_demand.running import answer_records
from batchconsole.jobs.repeating import schedules
from batchconsole.jobs.repeating.schedule_runs import run_schedule
from tests.jobs.conftest import Sample, converse_lines
from tests.jobs.test_notifications import start_worker
from tests.jobs.test_on_demand import lines_of, order
from tests.jobs.test_schedules import overdue, request, wanted
from tests.jobs.test_watched_folders import Folder

pytestmark = pytest.mark.django_db(transaction=True)
RECORDS = 8
# For each row, a worker of its own, which SIGKILL ends inside the transaction of its nth INSERT into a table.
PROGRAM = """
import os, signal
from django.db import connection
from batchconsole.jobs import clock

[step] = [each for each in clock.STEPS if each.name == {step!r}]
seen = []

def fall(execute, sql, params, many, context):
    done = execute(sql, params, many, context)
    seen.extend([sql] * sql.startswith('INSERT INTO "{table}"'))
    if len(seen) == {nth}:
        os.kill(os.getpid(), signal.SIGKILL)
    return done

for pk in {pks!r}:
    worker = os.fork()
    if not worker:
        with connection.execute_wrapper(fall):
            step.run(pk)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) == -signal.SIGKILL
"""


def killed(step: str, rows: list[Any], *, table: str, nth: int = 1) -> None:
    """Have a worker at each of *rows* be killed, and the time of its lease be over."""
    program = PROGRAM.format(step=step, pks=[row.pk for row in rows], table=table, nth=nth)
    assert start_worker(f"exec({program!r})").wait(60) == 0
    for row in rows:
        row.refresh_from_db()
        assert row.lease
        type(row).objects.filter(pk=row.pk).update(due_at=timezone.now())


def test_three_schedules_go_on_with_one_job_each(nowhere: Connection, person: User) -> None:
    made = [
        schedules.create_schedule(nowhere, person, wanted(title=name, request=request(job_name=name)))
        for name in ("first", "second", "third")
    ]
    killed("run_schedule", [overdue(each, timedelta(hours=1)) for each in made], table="jobs_schedulerun")
    assert not BatchJob.objects.exists()
    for schedule in made:
        run_schedule(schedule)
    assert sorted(BatchJob.objects.values_list("job_name", flat=True)) == ["first", "second", "third"]
    assert [each.runs.get().outcome for each in made] == ["created"] * 3


def test_a_watched_folder_goes_on_with_one_job_for_each_file(connection: Connection, person: User) -> None:
    folder = Folder(connection, person)
    for name in ("a", "b", "c"):
        folder.put(f"in/{name}.jsonl")
    killed("watch_folder", [folder.schedule], table="jobs_batchjob", nth=2)
    assert BatchJob.objects.count() == 1
    for _ in range(3):
        folder.look()
    assert sorted(BatchJob.objects.values_list("job_name", flat=True)) == ["job-a", "job-b", "job-c"]
    assert set(folder.fates.values()) == {"submitted"}
    assert Schedule.objects.get().losses == 0


def test_a_job_on_demand_sends_only_what_has_no_answer(connection: Connection, sample_input: Sample) -> None:
    s3.put_object(connection.target, sample_input.bucket, "in/converse.jsonl", converse_lines(RECORDS))
    job = order(connection, sample_input)
    killed("answer_records", [job], table="jobs_ondemandanswer", nth=2)
    kept = set(OnDemandAnswer.objects.filter(job=job).values_list("place", flat=True))
    assert 0 < len(kept) < RECORDS
    assert (job.status, job.processed_record_count) == (Status.IN_PROGRESS, len(kept))
    for place in kept:  # an answer that is paid for already, as nobody else would give it
        line = b'{"recordId":"rec-%05d","modelOutput":{"kept":1}}\n' % place
        OnDemandAnswer.objects.filter(job=job, place=place).update(line=line)
    answer_records(job)
    job.refresh_from_db()
    assert (job.status, job.processed_record_count) == (Status.COMPLETED, RECORDS)
    lines = lines_of(job)
    assert [line["recordId"] for line in lines] == [f"rec-{number:05}" for number in range(RECORDS)]
    assert {place for place, line in enumerate(lines) if line["modelOutput"] == {"kept": 1}} == kept
