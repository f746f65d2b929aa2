"""The verbs on inputs that are split or merged, on prompt templates, on jobs on demand, and on what people add to jobs.

Standard library only. A docstring is the help of the command and what an assistant reads about the tool.
"""

from functools import partial

from batchconsole.client.calls import Calls, Json, Verb, declare_in

INPUT_VERBS: list[Verb] = []
verb = partial(declare_in, INPUT_VERBS)


@verb("splits create")
def split_input(calls: Calls, split: Json, idempotency_key: str = "") -> Json:
    """Split an input that is too large for one job, and create a job for each part. It costs money once they run.

    split: the fields of a job, and check_id: a check of this input and model whose split is not null.
    idempotency_key: a text of yours; a call repeated with it gives the first split.
    """
    return calls.make("splits/", split, idempotency_key)


@verb("splits get", only_reads=True)
def get_split(calls: Calls, split_id: int) -> Json:
    """Get a split: how far it is, and the job of each part once its state is done."""
    return dict(calls.get(f"splits/{split_id}"))


@verb("splits cancel", destroys=True)
def cancel_split(calls: Calls, split_id: int) -> Json:
    """End a split before its jobs are created."""
    return calls.post(f"splits/{split_id}/cancel")


@verb("splits retry")
def retry_split(calls: Calls, split_id: int) -> Json:
    """Go on with a split that has failed."""
    return calls.post(f"splits/{split_id}/retry")


@verb("merge")
def merge_files(
    calls: Calls, output_s3_uri: str, files: list[str], prefixes: bool = False, idempotency_key: str = ""
) -> Json:
    """Write several .jsonl files of records in S3 as one input, in this order.

    output_s3_uri: the file to write. files: their S3 URIs. prefixes: begin each recordId with the name of its file;
    else repeated ones are refused. idempotency_key: a text of yours; a call repeated with it gives the first input.
    """
    given = {"files": files, "output_s3_uri": output_s3_uri, "prefixes": prefixes}
    return calls.make("inputs/merge", given, idempotency_key)


@verb("prompt-templates list", only_reads=True)
def list_prompt_templates(calls: Calls) -> list[Json]:
    """List the prompt templates by name, each with its versions, the newest first."""
    return list(calls.get("prompt-templates/"))


@verb("prompt-templates get", only_reads=True)
def get_prompt_template(calls: Calls, prompt_id: int) -> Json:
    """Get a prompt template with its versions. Make an input with the id of one as prompt_version_id."""
    return dict(calls.get(f"prompt-templates/{prompt_id}"))


@verb("prompt-templates save", repeats=True)
def save_prompt_template(calls: Calls, prompt: Json) -> Json:
    """Save a prompt template, or a new version of it if its text differs.

    prompt: name, template with {column}s, and where wanted system, shape, record_id_column, max_tokens, temperature,
    output_schema.
    """
    return dict(calls.api.call("POST", "prompt-templates/", prompt))


@verb("prompt-templates archive", repeats=True)
def archive_prompt_template(calls: Calls, prompt_id: int) -> Json:
    """Offer a prompt template no longer."""
    return calls.post(f"prompt-templates/{prompt_id}/archive")


@verb("prompt-templates restore", repeats=True)
def restore_prompt_template(calls: Calls, prompt_id: int) -> Json:
    """Offer an archived prompt template again."""
    return calls.post(f"prompt-templates/{prompt_id}/restore")


@verb("prompt-templates delete", destroys=True)
def delete_prompt_template(calls: Calls, prompt_id: int) -> Json:
    """Delete an archived prompt template with all its versions. This cannot be undone."""
    return calls.delete(f"prompt-templates/{prompt_id}")


@verb("on-demand quote", repeats=True)
def quote_on_demand(
    calls: Calls,
    input_s3_uri: str,
    model_id: str,
    model_invocation_type: str = "InvokeModel",
    records: int | None = None,
) -> Json:
    """Tell what the records of an input cost at most on demand, in USD. records: only so many, from the first on."""
    given = {"input_s3_uri": input_s3_uri, "model_id": model_id, "model_invocation_type": model_invocation_type}
    return dict(calls.api.call("POST", "on-demand/quote", given | {"records": records}))


@verb("on-demand create")
def create_on_demand_job(
    calls: Calls,
    job_name: str,
    model_id: str,
    input_s3_uri: str,
    output_s3_uri: str,
    model_invocation_type: str = "InvokeModel",
    records: int | None = None,
    idempotency_key: str = "",
) -> Json:
    """Create a job whose records the console sends one by one, for few records or a test. It costs money at once.

    records: only so many, from the first on. idempotency_key: a text of yours; a call repeated with it gives the
    first job. Ask for the quote first.
    """
    given = {
        "job_name": job_name,
        "model_id": model_id,
        "model_invocation_type": model_invocation_type,
        "input_s3_uri": input_s3_uri,
        "output_s3_uri": output_s3_uri,
        "records": records,
    }
    return calls.make("on-demand/", given, idempotency_key)


@verb("on-demand rest", only_reads=True)
def quote_rest(calls: Calls, job_id: int) -> Json:
    """Tell what the records that a running batch job leaves unanswered cost at most on demand, in USD."""
    return dict(calls.get(f"jobs/{job_id}/on-demand"))


@verb("on-demand take-over", destroys=True)
def take_over_job(calls: Calls, job_id: int) -> Json:
    """Stop a batch job and send its other records on demand. It costs money at once, and cannot be undone."""
    return calls.post(f"jobs/{job_id}/on-demand")


@verb("jobs archive", repeats=True)
def archive_job(calls: Calls, job_id: int) -> Json:
    """Archive a job that has ended: it is left out of the list."""
    return calls.post(f"jobs/{job_id}/archive")


@verb("jobs unarchive", repeats=True)
def unarchive_job(calls: Calls, job_id: int) -> Json:
    """Bring an archived job back into the list."""
    return calls.post(f"jobs/{job_id}/unarchive")


@verb("jobs notes", only_reads=True)
def list_notes(calls: Calls, job_id: int) -> list[Json]:
    """List the notes on a job, newest first."""
    return list(calls.get(f"jobs/{job_id}/notes/"))


@verb("jobs note")
def add_note(calls: Calls, job_id: int, text: str) -> Json:
    """Add a note to a job."""
    return dict(calls.api.call("POST", f"jobs/{job_id}/notes/", {"text": text}))


@verb("jobs compare", only_reads=True)
def compare_definitions(calls: Calls, job_id: int, other_id: int) -> Json:
    """Tell in which fields the definitions of two jobs differ."""
    return dict(calls.get(f"jobs/{job_id}/differences/{other_id}"))


@verb("jobs read")
def read_results(calls: Calls, job_id: int) -> Json:
    """Have the console read the output of an ended job again."""
    return calls.post(f"jobs/{job_id}/results/read")
