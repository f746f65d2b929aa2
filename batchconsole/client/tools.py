"""The verbs of the JSON API as tools of the Model Context Protocol, with the rights of the key.

Source: https://modelcontextprotocol.io, served by the protocol's own SDK. A client reads the docstrings.
"""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from batchconsole.client.http import Api, ApiError

INSTRUCTIONS = """Batch inference jobs on Amazon Bedrock, through a Batch Console: its queue, checks, budgets and audit
trail. A job reads records from S3 and writes answers to S3. Check an input before creating a job of it."""
MOST_JOBS, MOST_RECORDS = 50, 20
Json = dict[str, Any]


def tool_server(api: Api) -> MCPServer:
    """Return a server whose tools call *api*."""
    server = MCPServer("Batch Console", instructions=INSTRUCTIONS)
    tools = Tools(api)
    for tool in (
        tools.list_jobs,
        tools.get_job,
        tools.create_job,
        tools.stop_job,
        tools.read_records,
        tools.list_errors,
        tools.check_input,
        tools.get_check,
        tools.make_input,
        tools.get_input,
        tools.list_models,
        tools.get_usage,
    ):
        server.tool()(_telling_errors(tool))
    return server


def _telling_errors(tool: Callable[..., Any]) -> Callable[..., Any]:
    """Return *tool* with the console's refusals as errors of the protocol."""

    @wraps(tool)
    def call(*args: Any, **values: Any) -> Any:
        try:
            return tool(*args, **values)
        except ApiError as error:
            fields = [f"{each['field']}: {each['message']}" for each in error.problem.get("errors", [])]
            raise ToolError(" ".join([str(error), *fields])) from error

    return call


class Tools:
    """The tools; each is one call of the API."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def _get(self, path: str, **query: Any) -> Any:
        given = {name: value for name, value in query.items() if value not in ("", None)}
        return self.api.call("GET", f"{path}?{urlencode(given)}" if given else path)

    def list_jobs(self, query: str = "", status: str = "", limit: int = MOST_JOBS) -> Json:
        """List jobs, newest first. query: a text in the name or model. status: a status, or a group such as running."""
        return dict(self._get("jobs/", q=query, status=status, limit=min(limit, MOST_JOBS)))

    def get_job(self, job_id: int) -> Json:
        """Get one job: its status, counts of records, tokens, cost, and why it waits or failed."""
        return dict(self._get(f"jobs/{job_id}"))

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
        return dict(self.api.call("POST", "jobs/", given, **{"Idempotency-Key": uuid.uuid4().hex}))

    def stop_job(self, job_id: int) -> Json:
        """Stop a job, or take it out of the queue. This cannot be undone."""
        return dict(self.api.call("POST", f"jobs/{job_id}/stop", {}))

    def read_records(self, job_id: int, page: int = 1, only: str = "", find: str = "") -> Json:
        """Read records of a job that has ended, twenty to a page. only: errors or unanswered. find: a text or an id."""
        return dict(self._get(f"jobs/{job_id}/records", page=page, only=only, find=find, size=MOST_RECORDS))

    def list_errors(self, job_id: int) -> list[Json]:
        """List the errors of a job that has ended, grouped by message."""
        return list(self._get(f"jobs/{job_id}/errors"))

    def check_input(self, input_s3_uri: str, model_id: str, model_invocation_type: str = "InvokeModel") -> Json:
        """Start to check every record of an input in S3 against the model's rules. Ask get_check for the report."""
        names = {"input_s3_uri": input_s3_uri, "model_id": model_id, "model_invocation_type": model_invocation_type}
        return dict(self.api.call("POST", "checks/", names))

    def get_check(self, check_id: int) -> Json:
        """Get a check: how far it is, and its report once its state is done."""
        return dict(self._get(f"checks/{check_id}"))

    def make_input(self, source_s3_uri: str, output_s3_uri: str, template: str, shape: str = "converse") -> Json:
        """Start to make records of a table in S3 (CSV, JSON Lines, Parquet) by a prompt template with {column}s."""
        given = {"source_s3_uri": source_s3_uri, "output_s3_uri": output_s3_uri, "template": template, "shape": shape}
        return dict(self.api.call("POST", "inputs/", given, **{"Idempotency-Key": uuid.uuid4().hex}))

    def get_input(self, input_id: int) -> Json:
        """Get an input that is being made: how far it is."""
        return dict(self._get(f"inputs/{input_id}"))

    def list_models(self) -> list[Json]:
        """List the models with their prices per million tokens, and whether they take batch jobs."""
        return list(self._get("models"))

    def get_usage(self, first: str = "", last: str = "", by: str = "model") -> Json:
        """Get tokens and cost of a range of days (2026-01-31), grouped by day, model or person."""
        return dict(self._get("usage", first=first, last=last, by=by))
