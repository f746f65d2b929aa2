"""The tools for assistants, asked by the protocol's own client."""

import json
import os
import re
import sys
import urllib.request
from inspect import signature
from typing import Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client

from batchconsole.client.http import Api
from batchconsole.client.main import COMMANDS
from batchconsole.client.tools import tool_server
from batchconsole.client.verbs import VERBS, Verbs
from batchconsole.jobs.queue.waiting import HIGHEST, LOWEST
from batchconsole.setup.paths import ROOT
from tests.running import run_coroutine


class Console:
    """A console that answers each call with *answer*, and keeps what it was asked."""

    def __init__(self, answer: Any, status: int = 200) -> None:
        self.answer, self.status = answer, status
        self.asked: list[tuple[str, str, Any]] = []

    def send(self, request: urllib.request.Request) -> tuple[int, bytes]:
        assert request.get_header("Authorization") == "Bearer a-key"
        body = json.loads(bytes(request.data)) if request.data else None  # type: ignore[arg-type] # json's bytes
        self.asked.append((request.get_method(), request.full_url.partition("/connections/")[2], body))
        return self.status, json.dumps(self.answer).encode()

    @property
    def api(self) -> Api:
        return Api("http://x", "a-key", "local", self.send)

    def call(self, tool: str, **arguments: Any) -> Any:
        async def ask() -> Any:
            async with Client(tool_server(self.api)) as client:
                return await client.call_tool(tool, arguments)

        return run_coroutine(ask())


def test_a_tool_is_a_call_of_the_api() -> None:
    console = Console({"jobs": [{"id": 1}], "next_cursor": None})
    found = console.call("list_jobs", query="night", limit=500)
    assert found.structured_content == console.answer
    assert console.asked == [("GET", "local/jobs/?q=night&limit=50", None)]


def test_a_job_is_created_with_the_fields_of_the_form() -> None:
    console = Console({"id": 7})
    given = {
        "job_name": "nightly",
        "model_id": "m",
        "input_s3_uri": "s3://in/",
        "output_s3_uri": "s3://out/",
        "role_arn": "r",
    }
    assert console.call("create_job", **given).structured_content == {"id": 7}
    ((method, path, body),) = console.asked
    assert (method, path) == ("POST", "local/jobs/")
    assert body == given | {"model_invocation_type": "InvokeModel", "timeout_duration_in_hours": None}


@pytest.mark.parametrize(
    ("tool", "arguments", "asked"),
    [
        ("hold_job", {}, ("POST", "jobs/7/hold", {})),
        ("unhold_job", {"comment": "Go."}, ("POST", "jobs/7/unhold", {"comment": "Go."})),
        ("release_job", {}, ("POST", "jobs/7/release", {})),
        ("set_priority", {"priority": 5}, ("PUT", "jobs/7/priority", {"priority": 5})),
        ("move_to_front", {}, ("POST", "jobs/7/front", {})),
        ("replace_tags", {"tags": {"a": "1"}}, ("PUT", "jobs/7/tags", {"tags": [{"key": "a", "value": "1"}]})),
        (
            "clone_job",
            {"job_name": "again"},
            ("POST", "jobs/7/clone", {"job_name": "again", "check_input": True, "start_at": None}),
        ),
        ("archive_job", {}, ("POST", "jobs/7/archive", {})),
        ("take_over_job", {}, ("POST", "jobs/7/on-demand", {})),
        ("add_note", {"text": "Why."}, ("POST", "jobs/7/notes/", {"text": "Why."})),
        (
            "resend_job",
            {"merges": [8]},
            ("POST", "jobs/7/resend", {"failed": True, "unanswered": True, "merges": [8], "at_least": 0}),
        ),
    ],
)
def test_a_tool_on_a_job_is_a_call_of_the_api(tool: str, arguments: Any, asked: tuple[str, str, Any]) -> None:
    console = Console({"id": 7})
    assert console.call(tool, job_id=7, **arguments).structured_content == {"id": 7}
    method, path, body = asked
    assert console.asked == [(method, f"local/{path}", body)]


def test_budgets_are_a_list() -> None:
    console = Console([{"title": "All"}])
    assert console.call("list_budgets").structured_content == {"result": [{"title": "All"}]}
    assert console.asked == [("GET", "local/budgets", None)]


@pytest.mark.parametrize(
    ("tool", "arguments", "asked"),
    [
        ("create_schedule", {"schedule": {"title": "a"}}, ("POST", "local/schedules/", {"title": "a"})),
        ("split_input", {"split": {"check_id": 1}}, ("POST", "local/splits/", {"check_id": 1})),
        (
            "merge_files",
            {"files": ["a", "b"], "output_s3_uri": "c"},
            ("POST", "local/inputs/merge", {"files": ["a", "b"], "output_s3_uri": "c", "prefixes": False}),
        ),
        (
            "create_job_from_template",
            {"template_id": 3, "job_name": "a", "input_s3_uri": "s3://b/"},
            ("POST", "local/job-templates/3/jobs", {"job_name": "a", "input_s3_uri": "s3://b/"}),
        ),
        ("delete_webhook", {"webhook_id": 3}, ("DELETE", "local/webhooks/3", None)),
    ],
)
def test_a_tool_on_something_else_is_a_call_of_the_api(tool: str, arguments: Any, asked: tuple[str, str, Any]) -> None:
    console = Console({"id": 7})
    assert not console.call(tool, **arguments).is_error
    assert console.asked == [asked]


def test_the_range_of_priorities_is_told() -> None:
    assert f"from {LOWEST} to {HIGHEST}" in (Verbs.set_priority.__doc__ or "")


def test_a_verb_that_only_reads_sends_nothing_and_only_such_a_verb() -> None:
    for verb in VERBS:
        console = Console({})
        needed = [each for each in signature(verb.on(console.api)).parameters.values() if each.default is each.empty]
        verb.on(console.api)(**{each.name: {} if "tags" in each.name else 1 for each in needed})
        assert verb.only_reads == (console.asked[0][0] == "GET"), verb.name


def test_the_docs_have_each_command_and_tool() -> None:
    text = (ROOT / "docs" / "programs.md").read_text()
    rows = re.findall(r"^\| (?:`([a-z -]+)`)? ?\| (?:`([a-z_]+)`)? ?\| [a-z]", text, re.MULTILINE)
    assert sorted(name for name, _ in rows if name) == sorted({*COMMANDS, *(each.command for each in VERBS)} - {""})
    assert sorted(tool for _, tool in rows if tool) == sorted(each.name for each in VERBS)
    assert {(each.command, each.name) for each in VERBS if each.command} <= set(rows)


def test_what_the_console_refuses_is_an_error_of_the_tool() -> None:
    problem = {"detail": "Some fields are not valid.", "errors": [{"field": "job_name", "message": "Too long."}]}
    found = Console(problem, status=422).call("stop_job", job_id=3)
    assert found.is_error
    assert "Some fields are not valid. job_name: Too long." in found.content[0].text


def test_the_command_serves_them_on_standard_input_and_output() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BATCHCONSOLE_")}
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "batchconsole.client", "mcp"], env=environment, cwd=ROOT
    )

    async def ask() -> Any:
        async with Client(stdio_client(command)) as client:
            return await client.list_tools()

    tools = {tool.name: tool for tool in run_coroutine(ask()).tools}
    assert {"list_jobs", "create_job", "check_input", "get_usage"} <= tools.keys()
    assert tools["get_job"].input_schema["required"] == ["job_id"]
    assert all(tool.description for tool in tools.values())
    hints = {name: tool.annotations for name, tool in tools.items()}
    assert [name for name, hint in hints.items() if hint.destructive_hint] == [
        "stop_job",
        "release_job",
        "unhold_job",
        "replace_tags",
        "cancel_split",
        "delete_prompt_template",
        "take_over_job",
        "delete_schedule",
        "delete_job_template",
        "delete_webhook",
    ]
    assert hints["list_budgets"].read_only_hint
    assert not hints["clone_job"].read_only_hint
