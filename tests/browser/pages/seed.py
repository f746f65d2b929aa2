"""What the server that is looked at holds: jobs in every state, long and many of everything, and AWS away.

It is saved as rows where that is enough, and goes through the domain where rows alone would not be whole.
"""

from typing import Any

from batchconsole.jobs.models import Status
from tests.browser.pages.seed_inputs import SeedOfInputs
from tests.browser.pages.seed_routines import SeedOfRoutines


class Seed(SeedOfInputs, SeedOfRoutines):
    """Fills an empty database and a bucket of its own; ``names`` is what the paths of pages are filled in with."""

    def fill(self) -> dict[str, Any]:
        self.names["colleague"] = self.colleague.pk
        self.put_objects()
        self.make_role()
        self.make_jobs_in_every_state()
        self.make_extremes()
        self.make_results()
        self.make_checks()
        self.make_made_inputs()
        self.make_templates()
        self.make_splits()
        self.make_comparison()
        self.make_usage()
        self.make_bulk_actions()
        self.make_words_of_people()
        self.make_notifications()
        self.make_schedules()
        self.job("eu-nightly", Status.IN_PROGRESS, connection=self.away, total_record_count=500)
        return self.names
