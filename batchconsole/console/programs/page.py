"""The page for developers: environment variables, examples that use them, and the latest calls."""

import shlex
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import QuerySet

from batchconsole.jobs.models import Connection, Event

LATEST = 20
YOUR_KEY = "PASTE-YOUR-KEY"
BOTO3 = """import boto3

bedrock = boto3.client("bedrock")
for page in bedrock.get_paginator("list_model_invocation_jobs").paginate():
    for job in page["invocationJobSummaries"]:
        print(job["status"], job["jobName"])
"""
JAVASCRIPT = """import { BedrockClient, paginateListModelInvocationJobs } from "@aws-sdk/client-bedrock";

const client = new BedrockClient({});
for await (const page of paginateListModelInvocationJobs({ client }, {})) {
  for (const job of page.invocationJobSummaries) console.log(job.status, job.jobName);
}
"""
OPENAI = """import openai

client = openai.OpenAI()
file = client.files.create(file=open("requests.jsonl", "rb"), purpose="batch")
batch = client.batches.create(
    input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
)
print(batch.id, batch.status)
"""
ANTHROPIC = """
import json

import anthropic

client = anthropic.Anthropic()
requests = [json.loads(line) for line in open("requests.jsonl")]
batch = client.messages.batches.create(requests=requests)
print(batch.id, batch.processing_status)
"""
ABOUT_HTTP = """# Newer AWS clients send a bearer key over https:// only. Without TLS, give them a pair of keys instead:
# AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, in a profile for Bedrock.
"""
CLI = "aws bedrock list-model-invocation-jobs --max-results 10\n"


@dataclass(frozen=True)
class Example:
    """Text to copy; ``name`` is the name of its element."""

    name: str
    title: str
    text: str


@dataclass(frozen=True)
class Programs:
    """The page of *connection*. ``gateway_url`` is the endpoint for AWS clients, ``jobs_url`` the API's job list.

    ``openai_url`` and ``anthropic_url`` are the base URLs for the SDKs of OpenAI and Anthropic.
    """

    connection: Connection
    gateway_url: str
    jobs_url: str
    openai_url: str
    anthropic_url: str

    @property
    def environment(self) -> Example:
        """Shell lines that set the variables. The user inserts the key, because the console stores no plain keys."""
        values = {
            "AWS_ENDPOINT_URL_BEDROCK": self.gateway_url,
            "AWS_BEARER_TOKEN_BEDROCK": YOUR_KEY,
            "AWS_REGION": self.connection.region,
            "AWS_DEFAULT_REGION": self.connection.region,
        }
        return Example("environment", "Environment variables", self._about_http + _exports(values))

    @property
    def _about_http(self) -> str:
        """Say what a newer boto3 needs at a console without TLS: it sends bearer keys over HTTPS only."""
        return ABOUT_HTTP if self.gateway_url.startswith("http://") else ""

    @property
    def examples(self) -> list[Example]:
        curl = f'curl -H "Authorization: Bearer $AWS_BEARER_TOKEN_BEDROCK" {shlex.quote(self.jobs_url)}\n'
        return [
            Example("cli", "AWS CLI", CLI),
            Example("boto3", "Python (boto3)", BOTO3),
            Example("javascript", "JavaScript", JAVASCRIPT),
            Example("openai", "Python (openai)", self._openai_exports + OPENAI),
            Example("anthropic", "Python (anthropic)", self._anthropic_exports + ANTHROPIC),
            Example("curl", "JSON API", curl),
        ]

    @property
    def _openai_exports(self) -> str:
        """The variables of OpenAI's SDK, as comments above the script."""
        return _commented({"OPENAI_BASE_URL": self.openai_url, "OPENAI_API_KEY": YOUR_KEY})

    @property
    def _anthropic_exports(self) -> str:
        """The variables of Anthropic's SDK, in the same way."""
        return _commented({"ANTHROPIC_BASE_URL": self.anthropic_url, "ANTHROPIC_API_KEY": YOUR_KEY})


def _commented(values: dict[str, str]) -> str:
    return "".join(f"# {line}\n" for line in _exports(values).splitlines())


def _exports(values: dict[str, str]) -> str:
    """Return shell lines that set *values*."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())


def latest_events(connection: Connection, user: User) -> QuerySet[Event]:
    """Return the latest events that API keys of *user* caused on *connection*, newest first."""
    mine = Event.objects.filter(connection=connection, actor=user).exclude(api_key="")
    return mine.select_related("actor", "connection", "job__connection").order_by("-at", "-id")[:LATEST]
