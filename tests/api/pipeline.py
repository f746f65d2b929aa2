"""A pipeline as its author wrote it, for Bedrock itself: it knows of no console.

Prints boto3's version and what became of each job.
"""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3

NAME, BUCKET, ROLE_ARN, COUNT = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
ENDED = {"Completed", "PartiallyCompleted", "Failed", "Stopped", "Expired"}
bedrock = boto3.client("bedrock")
s3 = boto3.client("s3")


def run(number: int) -> dict[str, Any]:
    made = bedrock.create_model_invocation_job(
        jobName=f"{NAME}-{number}",
        modelId="amazon.nova-micro-v1:0",
        roleArn=ROLE_ARN,
        modelInvocationType="Converse",
        inputDataConfig={"s3InputDataConfig": {"s3Uri": f"s3://{BUCKET}/in/"}},
        outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/out/"}},
        tags=[{"key": "run", "value": str(number)}],
    )
    job_id = made["jobArn"].rpartition("/")[2]
    job = bedrock.get_model_invocation_job(jobIdentifier=made["jobArn"])
    while job["status"] not in ENDED:
        time.sleep(0.3)
        job = bedrock.get_model_invocation_job(jobIdentifier=made["jobArn"])
    manifest = s3.get_object(Bucket=BUCKET, Key=f"out/{job_id}/manifest.json.out")["Body"].read()
    lines = s3.get_object(Bucket=BUCKET, Key=f"out/{job_id}/records.jsonl.out")["Body"].read().splitlines()
    return {"id": job_id, "status": job["status"], "lines": len(lines), "manifest": json.loads(manifest)}


if __name__ == "__main__":
    assert os.environ["AWS_ENDPOINT_URL_BEDROCK"]
    with ThreadPoolExecutor(COUNT) as pool:
        print(json.dumps({"boto3": boto3.__version__, "jobs": list(pool.map(run, range(COUNT)))}))
