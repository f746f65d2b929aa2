"""``batchconsole``: jobs, inputs, schedules, templates and costs from a shell.

JSON on standard output, messages on standard error.
Exit codes: 0 success, 1 a job, check or input ended badly, 2 invalid command, 3 the console refused the call, 4 the
console could not be reached, 5 timeout of ``wait``, ``check``, ``make`` or ``resend``.
"""

import argparse
import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from batchconsole.client.http import Api, ApiError, Send, send
from batchconsole.client.options import add_nouns, add_verbs, call_verb
from batchconsole.client.progress import Progress

BAD, REFUSED, UNREACHED, TIME_OVER = 1, 3, 4, 5
GOOD_ENDS = {"Completed"}
ENDS = GOOD_ENDS | {
    "PartiallyCompleted",
    "Failed",
    "Stopped",
    "Expired",
    "Rejected",
    "Cancelled",
    "SubmitFailed",
}
RESULTS = {"jobs": "output", "splits": "export"}  # the downloads of lines
WORK_ENDS = {"done", "failed", "cancelled"}  # of checks and inputs


def parser() -> argparse.ArgumentParser:
    """Return the parser of the commands and their options."""
    root = argparse.ArgumentParser("batchconsole", description="Batch inference jobs of a Batch Console.")
    root.add_argument("--url", default=os.environ.get("BATCHCONSOLE_API_URL", "http://127.0.0.1:8000"))
    root.add_argument("--connection", default=os.environ.get("BATCHCONSOLE_API_CONNECTION", "local"))
    nouns = root.add_subparsers(dest="noun", required=True)
    groups = add_nouns(nouns)
    jobs = groups["jobs"]
    create = jobs.add_parser("create", help="create a job from a JSON file: the fields of the create form")
    create.add_argument("file", help="the file, or - for standard input")
    create.add_argument("--idempotency-key", default="", help="repeat the command with it after a lost answer")
    listed = jobs.add_parser("list", help="list jobs, newest first")
    listed.add_argument("--status", default="")
    listed.add_argument("--query", default="", help="a text in the name or model")
    results = jobs.add_parser("results", help="print the output of a job that has ended")
    results.add_argument("id", type=int)
    joined = groups["splits"].add_parser("results", help="print the records of all jobs of a split with their answers")
    joined.add_argument("id", type=int)
    wait = jobs.add_parser("wait", help="wait until each job has ended")
    wait.add_argument("id", type=int, nargs="*")
    wait.add_argument("--query", default="", help="also the jobs with this text in the name or model")
    wait.add_argument("--status", default="", help="also the jobs with this status, or of this group: running")
    _add_times(wait)
    verbs = add_verbs(nouns, groups)
    _add_times(verbs["jobs resend"])
    verbs["jobs tags"].add_argument("--none", action="store_true", help="remove all tags")
    _add_work(nouns)
    nouns.add_parser(
        "mcp", help="serve these verbs as tools of the Model Context Protocol, on standard input and output"
    )
    return root


def _add_work(nouns: Any) -> None:
    """Add the commands that have the console read or write an input in S3."""
    make = nouns.add_parser("make", help="make an input of a table in S3, and wait until it is written")
    make.add_argument("file", help="a JSON file with the fields of the API's POST inputs/, or - for standard input")
    make.add_argument("--idempotency-key", default="", help="repeat the command with it after a lost answer")
    _add_times(make)
    check = nouns.add_parser("check", help="check an input in S3, or a file or folder here, and wait for the report")
    check.add_argument("input_s3_uri", metavar="FILE", help="an S3 location (s3://...), or a path on this machine")
    check.add_argument("--model-id", required=True)
    check.add_argument("--model-invocation-type", default="InvokeModel", choices=["InvokeModel", "Converse"])
    _add_times(check)


def _add_times(command: argparse.ArgumentParser) -> None:
    command.add_argument("--timeout", type=float, default=7 * 24 * 3600, help="seconds")
    command.add_argument("--interval", type=float, default=5, help="seconds between two looks")


def main(arguments: Sequence[str] | None = None, *, send: Send = send) -> int:
    """Run one command and return its exit code."""
    asked = parser().parse_args(arguments)
    key = os.environ.get("BATCHCONSOLE_API_KEY", "").strip()
    if not (key.isascii() and key.isprintable()):  # Python's HTTP client would print it as it refuses it
        print("BATCHCONSOLE_API_KEY holds more than one key: copy one line from Account, API keys.", file=sys.stderr)
        return 2
    api = Api(asked.url, key, asked.connection, send)
    try:
        return COMMANDS.get(f"{asked.noun} {asked.verb}" if "verb" in asked else asked.noun, call)(api, asked)
    except ApiError as error:
        show(error.problem, to=sys.stderr)
        return REFUSED if error.status else UNREACHED
    except (OSError, ValueError) as error:
        print(f"{asked.file}: {error}" if "file" in asked else error, file=sys.stderr)
        return 2


def show(value: Any, *, to: Any = None) -> None:
    print(json.dumps(value, indent=2), file=to or sys.stdout)


def call(api: Api, asked: argparse.Namespace) -> int:
    """Call the verb of the command, which is one call of the API."""
    show(call_verb(api, asked))
    return 0


def create(api: Api, asked: argparse.Namespace) -> int:
    show(_post_file(api, "jobs/", asked))
    return 0


def _post_file(api: Api, path: str, asked: argparse.Namespace) -> Any:
    """Send the JSON of the command's file, and return what the console made of it."""
    text = sys.stdin.read() if asked.file == "-" else Path(asked.file).read_text()
    key = asked.idempotency_key or uuid.uuid4().hex
    return api.call("POST", path, json.loads(text), **{"Idempotency-Key": key})


def list_jobs(api: Api, asked: argparse.Namespace) -> int:
    query = {name: value for name, value in (("status", asked.status), ("q", asked.query)) if value}
    show(list(api.pages("jobs/", "jobs", limit="200", **query)))
    return 0


def tags(api: Api, asked: argparse.Namespace) -> int:
    """Replace the tags of a job. Raises ValueError for none without ``--none``, because that removes them all."""
    if bool(asked.tags) == asked.none or not all("=" in each for each in asked.tags):
        raise ValueError("Give each tag as key=value, or --none to remove all tags.")
    by_key = dict(each.split("=", 1) for each in asked.tags)
    if len(by_key) < len(asked.tags):
        raise ValueError("Give each key once: a tag has one value.")
    asked.tags = by_key
    return call(api, asked)


def results(api: Api, asked: argparse.Namespace) -> int:
    """Print the lines unchanged, because they are JSON already."""
    sys.stdout.write(api.read("GET", f"{asked.noun}/{asked.id}/{RESULTS[asked.noun]}").decode())
    return 0


def wait(api: Api, asked: argparse.Namespace) -> int:
    """Wait until all jobs have ended, then print them. The exit code is 1 unless every job completed, 5 on timeout."""
    until, jobs = time.monotonic() + asked.timeout, _wanted(api, asked)
    with Progress() as progress:
        while open_ids := [job["id"] for job in jobs if job["status"] not in ENDS]:
            if time.monotonic() >= until:
                show(jobs)
                return TIME_OVER
            progress.show(f"{len(jobs) - len(open_ids)} of {len(jobs)} jobs have ended.", _share(jobs))
            time.sleep(asked.interval)
            jobs = [api.call("GET", f"jobs/{job['id']}") if job["id"] in open_ids else job for job in jobs]
    show(jobs)
    return 0 if all(job["status"] in GOOD_ENDS for job in jobs) else BAD


def _wanted(api: Api, asked: argparse.Namespace) -> list[Any]:
    """Return the jobs to wait for: those named, and those that the filters find. Raises ValueError if there is none."""
    query = {name: value for name, value in (("status", asked.status), ("q", asked.query)) if value}
    if not asked.id and not query:
        raise ValueError("Name the jobs to wait for, by id, --query or --status.")
    named = {each: api.call("GET", f"jobs/{each}") for each in asked.id}
    found = api.pages("jobs/", "jobs", limit="200", **query) if query else ()
    return list((named | {job["id"]: job for job in found}).values())


def _share(jobs: list[Any]) -> float:
    """Return the share of the jobs' records that have been processed; a job without counts is all or nothing."""
    return sum(map(_share_of_job, jobs)) / len(jobs)


def _share_of_job(job: Any) -> float:
    if job["status"] in ENDS:
        return 1.0
    return (job["processed_record_count"] or 0) / (job["total_record_count"] or 1)


def check(api: Api, asked: argparse.Namespace) -> int:
    """Check an input and print the check when it has ended or the time is over.

    The exit code is 1 if there is no report or it has errors, 5 on timeout.
    """
    if not asked.input_s3_uri.startswith("s3://"):
        return _check_here(asked)
    names = ("input_s3_uri", "model_id", "model_invocation_type")
    started = api.call("POST", "checks/", {name: getattr(asked, name) for name in names})
    found = _follow(api, "checks", started, asked, share=_share_of_check)
    show(found)
    if found["state"] not in WORK_ENDS:
        return TIME_OVER
    return 0 if found["report"] and not has_errors(found["report"]) else BAD


def _check_here(asked: argparse.Namespace) -> int:
    """Check files on this machine, which asks no console; needs the packages of ``[check]``."""
    try:
        # Only this check needs anything but Python.
        from batchconsole.client.local_check import check_path  # noqa: PLC0415 - needs optional packages
    except ModuleNotFoundError as error:
        print(f"{error}. To check files here: pip install 'batchconsole[check]'", file=sys.stderr)
        return 2
    path, kind = Path(asked.input_s3_uri), asked.model_invocation_type
    with Progress() as progress:
        report = check_path(path, model_id=asked.model_id, invocation_type=kind, show=progress.show)
    show({"input": str(path), "report": report})
    return BAD if has_errors(report) else 0


def make(api: Api, asked: argparse.Namespace) -> int:
    """Make an input and print it when it is written or the time is over. The exit code is 1 if it failed."""
    return _follow_input(api, _post_file(api, "inputs/", asked), asked)


def resend(api: Api, asked: argparse.Namespace) -> int:
    """Have the records that failed written as an input, and print it as ``make`` does."""
    return _follow_input(api, call_verb(api, asked), asked)


def _follow_input(api: Api, started: Any, asked: argparse.Namespace) -> int:
    found = _follow(api, "inputs", started, asked, share=lambda each: each["percent"] / 100)
    show(found)
    if found["state"] not in WORK_ENDS:
        return TIME_OVER
    return 0 if found["state"] == "done" else BAD


def _share_of_check(check: Any) -> float | None:
    return check["bytes_done"] / check["bytes_total"] if check["bytes_total"] else None


def _follow(api: Api, noun: str, found: Any, asked: argparse.Namespace, *, share: Callable[[Any], float | None]) -> Any:
    """Return the check or input *found* once it has ended or the time is over; *share* tells how much of it is done."""
    until = time.monotonic() + asked.timeout
    with Progress() as progress:
        while found["state"] not in WORK_ENDS and time.monotonic() < until:
            progress.show(f"{found['records']} records.", share(found))
            time.sleep(asked.interval)
            found = api.call("GET", f"{noun}/{found['id']}")
    return found


def has_errors(report: dict[str, Any]) -> bool:
    """Whether the report has a problem that AWS would refuse, not only warnings."""
    return any(problem["severity"] == "error" for problem in report["problems"])


def serve_tools(api: Api, asked: argparse.Namespace) -> int:
    """Serve the verbs as tools until standard input ends; needs the package ``mcp``."""
    try:
        # Only this command needs anything but Python.
        from batchconsole.client.tools import tool_server  # noqa: PLC0415 - an optional package
    except ModuleNotFoundError as error:
        print(f"{error}. Install the Model Context Protocol's SDK: pip install 'batchconsole[mcp]'", file=sys.stderr)
        return 2
    tool_server(api).run("stdio")
    return 0


# Those that do more than one call of the API; all other commands are verbs of the table.
COMMANDS = {
    "jobs create": create,
    "jobs list": list_jobs,
    "jobs resend": resend,
    "jobs tags": tags,
    "jobs results": results,
    "splits results": results,
    "jobs wait": wait,
    "check": check,
    "make": make,
    "mcp": serve_tools,
}
