"""The verbs of the JSON API as tools of the Model Context Protocol, with the rights of the key.

Source: https://modelcontextprotocol.io, served by the protocol's own SDK. A client reads the verbs' docstrings, and
the protocol's annotations, which tell whether a tool only reads, destroys, or may be called again.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from batchconsole.client.calls import Verb
from batchconsole.client.http import Api, ApiError
from batchconsole.client.verbs import VERBS

INSTRUCTIONS = """Batch inference jobs on Amazon Bedrock, through a Batch Console: its queue, checks, budgets and audit
trail. A job reads records from S3 and writes answers to S3. Check an input before creating a job of it."""


def tool_server(api: Api) -> MCPServer:
    """Return a server whose tools call *api*."""
    server = MCPServer("Batch Console", instructions=INSTRUCTIONS)
    for verb in VERBS:
        server.tool(annotations=_hints(verb))(_telling_errors(verb.on(api)))
    return server


def _hints(verb: Verb) -> ToolAnnotations:
    """Return what a client may tell a person before it calls the tool."""
    if verb.only_reads:
        return ToolAnnotations(read_only_hint=True)
    return ToolAnnotations(read_only_hint=False, destructive_hint=verb.destroys, idempotent_hint=verb.repeats)


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
