"""The verbs of the JSON API, each one call, from which both the command and the tools of an assistant are made.

Standard library only. A docstring is the help of the command and what an assistant reads about the tool.
"""

from typing import Literal

from batchconsole.client.calls import Calls, Json, Verb
from batchconsole.client.input_verbs import INPUT_VERBS
from batchconsole.client.shared_verbs import SHARED_VERBS

MOST_JOBS, MOST_RECORDS = 50, 20


class Verbs(Calls):
    """The verbs on jobs, checks, made inputs and costs."""

    def list_jobs(self, query: str = "", status: str = "", limit: int = MOST_JOBS) -> Json:
        """List jobs, newest first. query: a text in the name or model. status: a status, or a group such as running."""
        return dict(self.get("jobs/", q=query, status=status, limit=min(limit, MOST_JOBS)))

    def get_job(self, job_id: int) -> Json:
        """Get one job: its status, counts of records, tokens, cost in USD, and why it waits or failed."""
        return dict(self.get(f"jobs/{job_id}"))

    def create_job(
        self,
        job_name: str,
        model_id: str,
        input_s3_uri: str,
        output_s3_uri: str,
        role_arn: str,
        model_invocation_type: str = "InvokeModel",
        timeout_duration_in_hours: int | None = None,
    ) -> Json:
        """Create a job. It costs money once it runs. Its input is checked first; Converse records need Converse."""
        given = {
            "job_name": job_name,
            "model_id": model_id,
            "input_s3_uri": input_s3_uri,
            "output_s3_uri": output_s3_uri,
            "role_arn": role_arn,
            "model_invocation_type": model_invocation_type,
            "timeout_duration_in_hours": timeout_duration_in_hours,
        }
        return self.make("jobs/", given)

    def clone_job(
        self, job_id: int, job_name: str, check_input: bool = True, start_at: str = "", idempotency_key: str = ""
    ) -> Json:
        """Create the same job again under a new name. It costs money once it runs.

        check_input: whether its records are checked first. start_at: not submitted before this time, with a time zone
        (2026-01-31T22:00:00Z). idempotency_key: a text of yours; a call repeated with it gives the first clone.
        """
        given = {"job_name": job_name, "check_input": check_input, "start_at": start_at or None}
        return self.make(f"jobs/{job_id}/clone", given, idempotency_key)

    def resend_job(
        self,
        job_id: int,
        failed: bool = True,
        unanswered: bool = True,
        merges: list[int] = [],  # noqa: B006 - it is not changed, and the protocol's schema shows it
        at_least: int = 0,
        idempotency_key: str = "",
    ) -> Json:
        """Write the failed and unanswered records of a job that has ended as a new input, from which to create a job.

        merges: ids of other jobs whose records go along. at_least: number of records to reach by adding answered ones,
        for models that take no fewer. idempotency_key: a text of yours; a call repeated with it gives the first input.
        Once the input's state is done, create a job with its output_s3_uri as input_s3_uri.
        """
        given = {"failed": failed, "unanswered": unanswered, "merges": merges, "at_least": at_least}
        return self.make(f"jobs/{job_id}/resend", given, idempotency_key)

    def stop_job(self, job_id: int) -> Json:
        """Stop a job, or take it out of the queue. This cannot be undone."""
        return dict(self.api.call("POST", f"jobs/{job_id}/stop", {}))

    def release_job(self, job_id: int) -> Json:
        """Submit a job although its check found errors. It costs money once it runs, and AWS may refuse it."""
        return dict(self.api.call("POST", f"jobs/{job_id}/release", {}))

    def hold_job(self, job_id: int) -> Json:
        """Hold a job that waits in the queue: it is not submitted until it is unheld."""
        return dict(self.api.call("POST", f"jobs/{job_id}/hold", {}))

    def unhold_job(self, job_id: int, comment: str = "") -> Json:
        """Let a held job continue in the queue, or approve a job that waits for approval, which needs a comment."""
        return dict(self.api.call("POST", f"jobs/{job_id}/unhold", {"comment": comment}))

    def set_priority(self, job_id: int, priority: int) -> Json:
        """Set the priority of a job in the queue, from -100 to 100. A higher one is submitted earlier; 0 is usual."""
        return dict(self.api.call("PUT", f"jobs/{job_id}/priority", {"priority": priority}))

    def move_to_front(self, job_id: int) -> Json:
        """Put a job in the queue before all others of its model."""
        return dict(self.api.call("POST", f"jobs/{job_id}/front", {}))

    def replace_tags(self, job_id: int, tags: dict[str, str]) -> Json:
        """Replace all tags of a job by these, as values by key. Tags that are not given are removed."""
        given = [{"key": key, "value": value} for key, value in tags.items()]
        return dict(self.api.call("PUT", f"jobs/{job_id}/tags", {"tags": given}))

    def read_records(self, job_id: int, page: int = 1, only: str = "", find: str = "") -> Json:
        """Read records of a job that has ended, twenty to a page. only: errors or unanswered. find: a text or an id."""
        return dict(self.get(f"jobs/{job_id}/records", page=page, only=only, find=find, size=MOST_RECORDS))

    def list_errors(self, job_id: int) -> list[Json]:
        """List the errors of a job that has ended, grouped by message."""
        return list(self.get(f"jobs/{job_id}/errors"))

    def check_input(self, input_s3_uri: str, model_id: str, model_invocation_type: str = "InvokeModel") -> Json:
        """Start to check every record of an input in S3 against the model's rules. Ask get_check for the report."""
        names = {"input_s3_uri": input_s3_uri, "model_id": model_id, "model_invocation_type": model_invocation_type}
        return dict(self.api.call("POST", "checks/", names))

    def get_check(self, check_id: int) -> Json:
        """Get a check: how far it is, and its report once its state is done."""
        return dict(self.get(f"checks/{check_id}"))

    def make_input(self, source_s3_uri: str, output_s3_uri: str, template: str, shape: str = "converse") -> Json:
        """Start to make records of a table in S3 (CSV, JSON Lines, Parquet) by a prompt template with {column}s."""
        given = {"source_s3_uri": source_s3_uri, "output_s3_uri": output_s3_uri, "template": template, "shape": shape}
        return self.make("inputs/", given)

    def get_input(self, input_id: int) -> Json:
        """Get an input that is being made: how far it is, in percent and records."""
        return dict(self.get(f"inputs/{input_id}"))

    def list_models(self) -> list[Json]:
        """List the models with their batch prices in USD per million tokens, and whether they take batch jobs."""
        return list(self.get("models"))

    def get_usage(
        self, first: str = "", last: str = "", by: Literal["day", "model", "person", "tag"] = "model", tag: str = ""
    ) -> Json:
        """Get tokens and cost in USD of a range of days (2026-01-31, UTC), both included, by day, model, person or tag.

        last: today by default. first: 29 days before it by default. A range has at most 366 days. tag: by tag, the key
        whose values are the groups.
        """
        return dict(self.get("usage", first=first, last=last, by=by, tag=tag))

    def list_budgets(self) -> list[Json]:
        """List the budgets of this month that your jobs count toward, in USD, with what is spent and committed of each.

        above: what becomes of jobs above it: warn, hold or refuse.
        """
        return list(self.get("budgets"))


VERBS = (
    Verb(Verbs.list_jobs, only_reads=True),
    Verb(Verbs.get_job, "jobs get", only_reads=True),
    Verb(Verbs.create_job),
    Verb(Verbs.clone_job, "jobs clone"),
    Verb(Verbs.resend_job, "jobs resend"),
    Verb(Verbs.stop_job, "jobs stop", destroys=True),
    Verb(Verbs.release_job, "jobs release", destroys=True),
    Verb(Verbs.hold_job, "jobs hold", repeats=True),
    Verb(Verbs.unhold_job, "jobs unhold", destroys=True, repeats=True),
    Verb(Verbs.set_priority, "jobs priority", repeats=True),
    Verb(Verbs.move_to_front, "jobs front"),
    Verb(Verbs.replace_tags, "jobs tags", destroys=True, repeats=True),
    Verb(Verbs.read_records, only_reads=True),
    Verb(Verbs.list_errors, "jobs errors", only_reads=True),
    Verb(Verbs.check_input),
    Verb(Verbs.get_check, only_reads=True),
    Verb(Verbs.make_input),
    Verb(Verbs.get_input, only_reads=True),
    Verb(Verbs.list_models, "models", only_reads=True),
    Verb(Verbs.get_usage, "usage", only_reads=True),
    Verb(Verbs.list_budgets, "budgets", only_reads=True),
    *INPUT_VERBS,
    *SHARED_VERBS,
)
