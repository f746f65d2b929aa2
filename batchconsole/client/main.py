"""``python -m batchconsole.client``: jobs and checks from a shell. JSON on standard output, messages on standard error.

Exit codes: 0 success, 1 a job or check ended badly, 2 invalid command, 3 the console refused the call, 4 the console
could not be reached, 5 timeout of ``wait`` or ``check``.
"""

import argparse
import json
import os
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from batchconsole.client.http import Api, ApiError, Send, send

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
CHECK_ENDS = {"done", "failed", "cancelled"}


def parser() -> argparse.ArgumentParser:
    """Return the parser of the commands and their options."""
    root = argparse.ArgumentParser("batchconsole", description="Batch inference jobs of a Batch Console.")
    root.add_argument("--url", default=os.environ.get("BATCHCONSOLE_API_URL", "http://127.0.0.1:8000"))
    root.add_argument("--connection", default=os.environ.get("BATCHCONSOLE_API_CONNECTION", "local"))
    nouns = root.add_subparsers(dest="noun", required=True)
    jobs = nouns.add_parser("jobs", help="create, list, follow and stop jobs").add_subparsers(
        dest="verb", required=True
    )
    create = jobs.add_parser("create", help="create a job from a JSON file: the fields of the create form")
    create.add_argument("file", help="the file, or - for standard input")
    create.add_argument("--idempotency-key", default="", help="repeat the command with it after a lost answer")
    listed = jobs.add_parser("list", help="list jobs, newest first")
    listed.add_argument("--status", default="")
    listed.add_argument("--query", default="", help="a text in the name or model")
    for verb in ("get", "stop", "results"):
        jobs.add_parser(verb).add_argument("id", type=int)
    wait = jobs.add_parser("wait", help="wait until each job has ended")
    wait.add_argument("id", type=int, nargs="+")
    _add_times(wait)
    check = nouns.add_parser("check", help="check an input in S3 and wait for the report")
    check.add_argument("input_s3_uri")
    check.add_argument("--model-id", required=True)
    check.add_argument("--model-invocation-type", default="InvokeModel", choices=["InvokeModel", "Converse"])
    _add_times(check)
    return root


def _add_times(command: argparse.ArgumentParser) -> None:
    command.add_argument("--timeout", type=float, default=7 * 24 * 3600, help="seconds")
    command.add_argument("--interval", type=float, default=5, help="seconds between two looks")


def main(arguments: Sequence[str] | None = None, *, send: Send = send) -> int:
    """Run one command and return its exit code."""
    asked = parser().parse_args(arguments)
    api = Api(asked.url, os.environ.get("BATCHCONSOLE_API_KEY", ""), asked.connection, send)
    try:
        return check(api, asked) if asked.noun == "check" else JOBS[asked.verb](api, asked)
    except ApiError as error:
        show(error.problem, to=sys.stderr)
        return REFUSED if error.status else UNREACHED
    except (OSError, ValueError) as error:
        print(f"{asked.file if 'file' in asked else ''}: {error}", file=sys.stderr)
        return 2


def show(value: Any, *, to: Any = None) -> None:
    print(json.dumps(value, indent=2), file=to or sys.stdout)


def create(api: Api, asked: argparse.Namespace) -> int:
    text = sys.stdin.read() if asked.file == "-" else Path(asked.file).read_text()
    key = asked.idempotency_key or uuid.uuid4().hex
    show(api.call("POST", "jobs/", json.loads(text), **{"Idempotency-Key": key}))
    return 0


def list_jobs(api: Api, asked: argparse.Namespace) -> int:
    query = {name: value for name, value in (("status", asked.status), ("q", asked.query)) if value}
    show(list(api.pages("jobs/", "jobs", limit="200", **query)))
    return 0


def get(api: Api, asked: argparse.Namespace) -> int:
    show(api.call("GET", f"jobs/{asked.id}"))
    return 0


def stop(api: Api, asked: argparse.Namespace) -> int:
    show(api.call("POST", f"jobs/{asked.id}/stop", {}))
    return 0


def results(api: Api, asked: argparse.Namespace) -> int:
    """Print the output lines unchanged, because they are JSON already."""
    sys.stdout.write(api.read("GET", f"jobs/{asked.id}/output").decode())
    return 0


def wait(api: Api, asked: argparse.Namespace) -> int:
    """Wait until all jobs have ended, then print them. The exit code is 1 unless every job completed, 5 on timeout."""
    until, jobs = time.monotonic() + asked.timeout, [api.call("GET", f"jobs/{each}") for each in asked.id]
    while open_ids := [job["id"] for job in jobs if job["status"] not in ENDS]:
        if time.monotonic() >= until:
            show(jobs)
            return TIME_OVER
        print(f"{len(jobs) - len(open_ids)} of {len(jobs)} jobs have ended.", file=sys.stderr)
        time.sleep(asked.interval)
        jobs = [api.call("GET", f"jobs/{job['id']}") if job["id"] in open_ids else job for job in jobs]
    show(jobs)
    return 0 if all(job["status"] in GOOD_ENDS for job in jobs) else BAD


def check(api: Api, asked: argparse.Namespace) -> int:
    """Check an input and print the check when it has ended or the time is over.

    The exit code is 1 if there is no report or it has errors, 5 on timeout.
    """
    names = ("input_s3_uri", "model_id", "model_invocation_type")
    found = api.call("POST", "checks/", {name: getattr(asked, name) for name in names})
    until = time.monotonic() + asked.timeout
    while found["state"] not in CHECK_ENDS:
        if time.monotonic() >= until:
            show(found)
            return TIME_OVER
        print(f"{found['records']} records read.", file=sys.stderr)
        time.sleep(asked.interval)
        found = api.call("GET", f"checks/{found['id']}")
    show(found)
    return 0 if found["report"] and not has_errors(found["report"]) else BAD


def has_errors(report: dict[str, Any]) -> bool:
    """Whether the report has a problem that AWS would refuse, not only warnings."""
    return any(problem["severity"] == "error" for problem in report["problems"])


JOBS = {"create": create, "list": list_jobs, "get": get, "stop": stop, "results": results, "wait": wait}
