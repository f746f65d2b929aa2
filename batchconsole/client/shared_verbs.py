"""The verbs on what the people of a connection share: schedules and watched folders, job templates, webhooks.

Standard library only. A docstring is the help of the command and what an assistant reads about the tool.
"""

from functools import partial

from batchconsole.client.calls import Calls, Json, Verb, declare_in

SHARED_VERBS: list[Verb] = []
verb = partial(declare_in, SHARED_VERBS)


@verb("connections", only_reads=True)
def list_connections(calls: Calls) -> list[Json]:
    """List the connections that the key may see, with its rights on each."""
    return list(calls.get("/connections/"))


@verb("schedules list", only_reads=True)
def list_schedules(calls: Calls) -> list[Json]:
    """List the schedules and watched folders."""
    return list(calls.get("schedules/"))


@verb("schedules get", only_reads=True)
def get_schedule(calls: Calls, schedule_id: int) -> Json:
    """Get a schedule or watched folder: when it runs next, and why it stopped."""
    return dict(calls.get(f"schedules/{schedule_id}"))


@verb("schedules create")
def create_schedule(calls: Calls, schedule: Json, idempotency_key: str = "") -> Json:
    """Create a schedule, or watch a folder. Its jobs cost money, and run in the name of the key's owner.

    schedule: title, kind (rule or folder), job (the fields of a job, with placeholders such as {date:%Y-%m-%d}), and
    rule and zone (30 2 * * 1-5, as in cron), or, for a folder, interval_minutes and stable_seconds; the folder is the
    job's input_s3_uri. idempotency_key: a text of yours; a call repeated with it gives the first schedule.
    """
    return calls.make("schedules/", schedule, idempotency_key)


@verb("schedules change", repeats=True)
def change_schedule(calls: Calls, schedule_id: int, schedule: Json) -> Json:
    """Change a schedule, which from now on runs in the name of the key's owner. schedule: as for create_schedule."""
    return dict(calls.api.call("PUT", f"schedules/{schedule_id}", schedule))


@verb("schedules run")
def run_schedule(calls: Calls, schedule_id: int) -> Json:
    """Create the job of a schedule now, or look into the watched folder now. It costs money once the job runs."""
    return calls.post(f"schedules/{schedule_id}/run")


@verb("schedules runs", only_reads=True)
def list_runs(calls: Calls, schedule_id: int, limit: int = 50) -> Json:
    """List what became of the runs of a schedule, or of the files of its folder, newest first."""
    return dict(calls.get(f"schedules/{schedule_id}/runs", limit=limit))


@verb("schedules retry", repeats=True)
def retry_file(calls: Calls, schedule_id: int, file_id: int) -> Json:
    """Let a file of a watched folder that was skipped wait again."""
    return calls.post(f"schedules/{schedule_id}/files/{file_id}/retry")


@verb("schedules pause", repeats=True)
def pause_schedule(calls: Calls, schedule_id: int) -> Json:
    """Create no more jobs until the schedule is resumed."""
    return calls.post(f"schedules/{schedule_id}/pause")


@verb("schedules resume", repeats=True)
def resume_schedule(calls: Calls, schedule_id: int) -> Json:
    """Resume a schedule from now on."""
    return calls.post(f"schedules/{schedule_id}/resume")


@verb("schedules delete", destroys=True)
def delete_schedule(calls: Calls, schedule_id: int) -> Json:
    """Delete a schedule; its jobs stay. This cannot be undone."""
    return calls.delete(f"schedules/{schedule_id}")


@verb("job-templates list", only_reads=True)
def list_job_templates(calls: Calls) -> list[Json]:
    """List the job templates by name."""
    return list(calls.get("job-templates/"))


@verb("job-templates get", only_reads=True)
def get_job_template(calls: Calls, template_id: int) -> Json:
    """Get a job template."""
    return dict(calls.get(f"job-templates/{template_id}"))


@verb("job-templates save")
def save_job_template(calls: Calls, template: Json) -> Json:
    """Save a new job template. template: name, job (some fields of a job), and check_input where that is not wanted."""
    return dict(calls.api.call("POST", "job-templates/", template))


@verb("job-templates use")
def create_job_from_template(
    calls: Calls,
    template_id: int,
    job_name: str,
    input_s3_uri: str = "",
    output_s3_uri: str = "",
    idempotency_key: str = "",
) -> Json:
    """Create a job from a job template. It costs money once it runs.

    input_s3_uri, output_s3_uri: in place of those of the template. idempotency_key: a text of yours; a call repeated
    with it gives the first job.
    """
    places = {"input_s3_uri": input_s3_uri, "output_s3_uri": output_s3_uri}
    given = {"job_name": job_name} | {name: uri for name, uri in places.items() if uri}
    return calls.make(f"job-templates/{template_id}/jobs", given, idempotency_key)


@verb("job-templates delete", destroys=True)
def delete_job_template(calls: Calls, template_id: int) -> Json:
    """Delete a job template; the jobs created with it stay. This cannot be undone."""
    return calls.delete(f"job-templates/{template_id}")


@verb("webhooks list", only_reads=True)
def list_webhooks(calls: Calls) -> list[Json]:
    """List the webhooks of the connection."""
    return list(calls.get("webhooks/"))


@verb("webhooks create")
def create_webhook(calls: Calls, name: str, url: str, occasions: list[str]) -> Json:
    """Create a webhook and get the secret that signs its messages. occasions: such as job.failed, job.completed."""
    given = {"name": name, "url": url, "occasions": occasions}
    return dict(calls.api.call("POST", "webhooks/", given))


@verb("webhooks test")
def test_webhook(calls: Calls, webhook_id: int) -> Json:
    """Send a test message to a webhook."""
    return calls.post(f"webhooks/{webhook_id}/test")


@verb("webhooks deliveries", only_reads=True)
def list_deliveries(calls: Calls, webhook_id: int, limit: int = 50) -> Json:
    """List what was delivered to a webhook, newest first."""
    return dict(calls.get(f"webhooks/{webhook_id}/deliveries", limit=limit))


@verb("webhooks pause", repeats=True)
def pause_webhook(calls: Calls, webhook_id: int) -> Json:
    """Let the messages to a webhook wait until it is resumed."""
    return calls.post(f"webhooks/{webhook_id}/pause")


@verb("webhooks resume", repeats=True)
def resume_webhook(calls: Calls, webhook_id: int) -> Json:
    """Resume a webhook and send what has waited."""
    return calls.post(f"webhooks/{webhook_id}/resume")


@verb("webhooks rotate")
def rotate_webhook_secret(calls: Calls, webhook_id: int) -> Json:
    """Make a new secret of a webhook; the old one signs too for a day."""
    return calls.post(f"webhooks/{webhook_id}/rotate")


@verb("webhooks delete", destroys=True)
def delete_webhook(calls: Calls, webhook_id: int) -> Json:
    """Remove a webhook and the record of its deliveries. This cannot be undone."""
    return calls.delete(f"webhooks/{webhook_id}")
