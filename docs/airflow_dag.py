"""A batch job as a task of Apache Airflow, through Batch Console: Amazon's own operator, unchanged."""

from datetime import datetime

from airflow.providers.amazon.aws.operators.bedrock import BedrockBatchInferenceOperator
from airflow.sdk import DAG

with DAG("nightly_batch", schedule="@daily", start_date=datetime(2026, 1, 1), catchup=False):
    BedrockBatchInferenceOperator(
        task_id="answer",
        aws_conn_id=None,  # the variables of the worker, as for boto3
        job_name="nightly-{{ ts_nodash }}",
        model_id="amazon.nova-micro-v1:0",
        role_arn="arn:aws:iam::123456789012:role/batch",
        input_uri="s3://prompts/input/",
        output_uri="s3://prompts/output/",
        invoke_kwargs={"modelInvocationType": "Converse", "clientRequestToken": "nightly-{{ ts_nodash }}"},
        waiter_delay=60,
        waiter_max_attempts=7 * 24 * 60,
    )
