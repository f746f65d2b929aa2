"""The sample on first start: a bucket with records, a service role for it, and a running job.

Nothing is done once the job exists; until then, each start completes what an earlier one left unfinished.
"""

from dataclasses import replace

from batchconsole.aws import iam, s3
from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs import lifecycle
from batchconsole.jobs.models import Connection
from batchconsole.jobs.service_roles import create_service_role
from batchconsole.up import preparation, questions

BUCKET = "batchconsole-samples"
ROLE = "batchconsole-samples"
MODEL_ID = "amazon.nova-micro-v1:0"
EMBEDDING_MODEL_ID = "amazon.titan-embed-text-v2:0"
JOB = "welcome"
FILES = {
    "converse/questions.jsonl": questions.converse,
    "anthropic/questions.jsonl": questions.anthropic,
    "mistakes/mistakes.jsonl": questions.mistakes,
}


def make() -> None:
    """Create the sample and submit its job as the form would. Raises :class:`AwsError`."""
    connection = Connection.objects.get(name="local")
    if connection.jobs.filter(job_name=JOB).exists():
        return
    target = connection.target
    s3.create_bucket(target, BUCKET)
    for key, content in FILES.items():
        s3.put_object(target, BUCKET, key, content())
    role_arn = service_role(connection)
    offer_openai(connection, role_arn)
    submit_job(connection, role_arn)


def request() -> JobRequest:
    """Return the request of the sample job, with no role yet."""
    return JobRequest(
        job_name=JOB,
        model_id=MODEL_ID,
        model_invocation_type="Converse",
        role_arn="",
        input_s3_uri=f"s3://{BUCKET}/converse/",
        output_s3_uri=f"s3://{BUCKET}/output/",
        tags=({"key": "sample", "value": "true"},),
    )


def service_role(connection: Connection) -> str:
    """Return the ARN of the role that may read and write the whole bucket, after creating it if necessary."""
    for role in iam.list_service_roles(connection.target):
        if role.name == ROLE:
            return role.arn
    everywhere = replace(request(), input_s3_uri=f"s3://{BUCKET}/", output_s3_uri=f"s3://{BUCKET}/")
    return create_service_role(connection, preparation.admin(), role_name=ROLE, request=everywhere)


def offer_openai(connection: Connection, role_arn: str) -> None:
    """Let programs that speak OpenAI's API create batches, whatever model they name, unless an administrator has."""
    if not (connection.openai_folder or connection.openai_role_arn or connection.openai_models):
        connection.openai_folder, connection.openai_role_arn = f"s3://{BUCKET}/openai/", role_arn
        connection.openai_models = {"gpt-*": MODEL_ID, "text-embedding-*": EMBEDDING_MODEL_ID}
        connection.save(update_fields=["openai_folder", "openai_role_arn", "openai_models"])


def submit_job(connection: Connection, role_arn: str) -> None:
    asked = replace(request(), role_arn=role_arn)
    lifecycle.create_job(connection=connection, actor=preparation.admin(), request=asked, check_input=True)
