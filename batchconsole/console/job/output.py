"""Where a job's output lies."""

from batchconsole.jobs.models import BatchJob


def output_folder(job: BatchJob) -> str:
    """Where AWS writes the job's output, with a slash at its end; empty before AWS has accepted it."""
    return f"{job.output_s3_uri.rstrip('/')}/{job.aws_id}/" if job.aws_id else ""
