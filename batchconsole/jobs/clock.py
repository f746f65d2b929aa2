"""The clock: lists every kind of step and hands out those that are due. Several clocks may tick at the same time."""

from datetime import datetime
from itertools import islice
from typing import Any

from django.utils import timezone

from batchconsole.jobs import audit, bulk_actions, lifecycle, retention, sync, tags
from batchconsole.jobs.inputs import input_checks, making, splitting
from batchconsole.jobs.leases import Step
from batchconsole.jobs.notifications import handing_on
from batchconsole.jobs.on_demand import deadlines, running
from batchconsole.jobs.openai import answering, conversion, following
from batchconsole.jobs.outputs import comparing, output_copies, results
from batchconsole.jobs.queue import quotas
from batchconsole.jobs.queue.scheduling import BATCH
from batchconsole.jobs.repeating import schedule_runs, watched_folders
from batchconsole.jobs.s3 import open_uploads

STEPS: tuple[Step[Any, Any], ...] = (
    sync.sync,
    quotas.refresh_limits,
    tags.read_tags,
    lifecycle.submit,
    lifecycle.stop_cancelled,
    input_checks.check_input,
    input_checks.check_records,
    running.answer_records,
    deadlines.take_over_late_jobs,
    results.collect_results,
    output_copies.copy_output,
    open_uploads.abort_upload,
    making.make_input,
    splitting.split_input,
    comparing.compare_answers,
    bulk_actions.stop_jobs,
    schedule_runs.run_schedule,
    watched_folders.watch_folder,
    conversion.convert_batch,
    following.follow_batch,
    answering.write_answers,
    handing_on.announce,
    handing_on.deliver,
)


def tick(now: datetime | None = None) -> int:
    """Hand out the due steps and return how many; concurrent ticks hand out each step once. Also prunes old rows."""
    now = now or timezone.now()
    audit.expire_events()
    handing_on.expire_notices()
    retention.prune_now_and_then()
    return sum(step.hand_out(row, now) for step in STEPS for row in islice(step.due(now), BATCH))
