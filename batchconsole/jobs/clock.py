"""The clock: every step there is, and handing out those that are due. Any number of clocks may tick at once."""

from datetime import datetime
from itertools import islice
from typing import Any

from django.utils import timezone

from batchconsole.jobs import (
    audit,
    bulk_actions,
    input_checks,
    lifecycle,
    making,
    output_copies,
    quotas,
    results,
    retention,
    sync,
    tags,
)
from batchconsole.jobs.leases import Step
from batchconsole.jobs.notifications import handing_on
from batchconsole.jobs.scheduling import BATCH

STEPS: tuple[Step[Any, Any], ...] = (
    sync.sync,
    quotas.refresh_limits,
    tags.read_tags,
    lifecycle.submit,
    lifecycle.stop_cancelled,
    input_checks.check_input,
    input_checks.check_records,
    results.collect_results,
    output_copies.copy_output,
    making.make_input,
    bulk_actions.stop_jobs,
    handing_on.announce,
    handing_on.deliver,
)


def tick(now: datetime | None = None) -> int:
    """Hand out every step that is due and return how many; two ticks at once hand out each step once."""
    now = now or timezone.now()
    audit.expire_events()
    handing_on.expire_notices()
    retention.prune_now_and_then()
    return sum(step.hand_out(row, now) for step in STEPS for row in islice(step.due(now), BATCH))
