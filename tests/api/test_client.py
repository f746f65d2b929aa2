"""The command for pipelines, at the API itself."""

import importlib
import io
import json
import tomllib
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from batchconsole.client.http import ApiError
from batchconsole.client.main import main
from batchconsole.client.progress import Progress
from batchconsole.jobs.models import Budget, Connection, InputCheck, MadeInput, Right
from batchconsole.records import report
from batchconsole.records.families.faults import Severity
from batchconsole.records.report import Problem
from batchconsole.setup.paths import ROOT
from tests.api.conftest import key_of
from tests.api.test_json_api import ASKED
from tests.api.test_json_api import connection as connection
from tests.api.test_json_api import person as person
from tests.factories import MODEL, grant, make_job
from tests.jobs.conftest import arn, converse_lines

TAG = {"key": "team", "value": "nlp"}


def send(request: urllib.request.Request) -> tuple[int, bytes]:
    """The console's answer, without a network between."""
    address = request.full_url.partition("//")[2].partition("/")[2]
    headers = {name: value for name, value in request.header_items() if name != "Content-type"}
    answer = Client().generic(
        request.get_method(), f"/{address}", request.data or b"", "application/json", headers=headers
    )
    return answer.status_code, answer.getvalue() if answer.streaming else answer.content


@pytest.fixture(autouse=True)
def key(connection: Connection, person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    monkeypatch.setenv("BATCHCONSOLE_API_KEY", key_of(person)[1])


def run(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, Any]:
    code = main([str(argument) for argument in arguments], send=send)
    said = capsys.readouterr()
    return code, json.loads(said.out or said.err)


def test_a_job_is_created_from_a_file_and_listed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    file.write_text(json.dumps(ASKED))
    code, job = run(capsys, "jobs", "create", file)
    assert (code, job["job_name"]) == (0, "nightly")
    assert run(capsys, "jobs", "list", "--query", "night") == (0, [job])
    assert run(capsys, "jobs", "get", job["id"]) == (0, job)


def test_a_refusal_says_why(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    file.write_text(json.dumps(ASKED | {"job_name": "a b"}))
    code, problem = run(capsys, "jobs", "create", file)
    assert (code, problem["errors"][0]["field"]) == (3, "job_name")


@pytest.mark.parametrize(("status", "expected"), [("Completed", 0), ("Failed", 1), ("Queued", 5)])
def test_waiting_tells_how_the_jobs_ended(
    capsys: pytest.CaptureFixture[str], connection: Connection, status: str, expected: int
) -> None:
    done, other = make_job(connection, status="Completed"), make_job(connection, status=status)
    code, jobs = run(capsys, "jobs", "wait", done.pk, other.pk, "--timeout", 0)
    assert (code, [job["status"] for job in jobs]) == (expected, ["Completed", status])


def test_a_job_is_stopped(capsys: pytest.CaptureFixture[str], connection: Connection, person: User) -> None:
    job = make_job(connection, created_by=person)
    assert run(capsys, "jobs", "stop", job.pk)[1]["status"] == "Cancelled"


@pytest.mark.parametrize(
    ("arguments", "right", "values", "told"),
    [
        (["hold"], Right.SUBMIT, {}, ("is_held", True)),
        (["unhold", "--comment", "Go."], Right.OPERATE, {"held_at": timezone.now()}, ("is_held", False)),
        (["priority", "-5"], Right.OPERATE, {}, ("priority", -5)),
        (["front"], Right.OPERATE, {}, ("priority", 101)),
        (["release"], Right.SUBMIT, {"status": "Rejected"}, ("status", "Queued")),
        (["tags", "team=nlp", "a=b=c"], Right.SUBMIT, {}, ("tags", [TAG, {"key": "a", "value": "b=c"}])),
        (["tags", "--none"], Right.SUBMIT, {"tags": [TAG]}, ("tags", [])),
        (["clone", "again", "--no-check-input"], Right.SUBMIT, {"role_arn": ASKED["role_arn"]}, ("job_name", "again")),
    ],
)
def test_a_verb_changes_a_job(
    capsys: pytest.CaptureFixture[str],
    connection: Connection,
    person: User,
    arguments: list[str],
    right: Right,
    values: dict[str, Any],
    told: tuple[str, Any],
) -> None:
    if right == Right.OPERATE:
        grant(person, "Operator")
    job = make_job(connection, created_by=person, **values)
    code, answer = run(capsys, "jobs", arguments[0], job.pk, *arguments[1:])
    assert (code, answer.get(told[0])) == (0, told[1]), answer


def test_what_a_verb_may_not_do_is_refused(
    capsys: pytest.CaptureFixture[str], connection: Connection, person: User
) -> None:
    code, problem = run(capsys, "jobs", "priority", make_job(connection, created_by=person).pk, 5)
    assert (code, problem["status"]) == (3, 403)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [([], "--none"), (["team"], "key=value"), (["a=1", "--none"], "--none"), (["a=1", "a=2"], "once")],
)
def test_tags_that_are_not_clear_replace_none(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert main(["jobs", "tags", "1", *arguments], send=nobody) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(("state", "expected"), [("done", 0), ("failed", 1), ("running", 5)])
def test_failed_records_are_written_as_an_input_and_waited_for(
    capsys: pytest.CaptureFixture[str], connection: Connection, person: User, state: str, expected: int
) -> None:
    job = make_job(connection, created_by=person, status="Completed", job_arn=arn(1), results="ready")

    def send_and_work(request: urllib.request.Request) -> tuple[int, bytes]:
        MadeInput.objects.update(state=state)
        return send(request)

    times = ["--timeout", "0"] if expected == 5 else ["--interval", "0"]
    asked = ["jobs", "resend", str(job.pk), "--no-unanswered", *times]
    assert main(asked, send=send_and_work) == expected
    made = MadeInput.objects.get()
    assert (made.resend_of, made.resends_failed, made.resends_unanswered) == (job, True, False)
    assert json.loads(capsys.readouterr().out)["id"] == made.pk


def test_costs_are_read(capsys: pytest.CaptureFixture[str], connection: Connection) -> None:
    Budget.objects.create(usd_per_month=100, connection=connection)
    assert run(capsys, "usage", "--by", "day", "--first", "2026-01-01", "--last", "2026-01-31") == (
        0,
        {"first": "2026-01-01", "last": "2026-01-31", "groups": []},
    )
    assert [float(each["usd_per_month"]) for each in run(capsys, "budgets")[1]] == [100]
    assert any(each["input_usd_per_million"] for each in run(capsys, "models")[1])


def test_a_check_that_could_not_be_done_is_bad(capsys: pytest.CaptureFixture[str], connection: Connection) -> None:
    def send_and_fail(request: urllib.request.Request) -> tuple[int, bytes]:
        InputCheck.objects.update(state=InputCheck.State.FAILED)
        return send(request)

    asked = ["check", "s3://prompts/in/", "--model-id", MODEL, "--interval", "0"]
    assert main(asked, send=send_and_fail) == 1
    assert json.loads(capsys.readouterr().out)["state"] == "failed"


def test_a_check_that_takes_longer_is_shown_as_it_stands(
    capsys: pytest.CaptureFixture[str], connection: Connection
) -> None:
    code, check = run(capsys, "check", "s3://prompts/in/", "--model-id", MODEL, "--timeout", 0)
    assert (code, check["report"]) == (5, None)


@pytest.mark.parametrize(("severities", "expected"), [([], 0), (["warning"], 0), (["warning", "error"], 1)])
def test_a_check_is_bad_when_it_found_an_error(
    capsys: pytest.CaptureFixture[str], connection: Connection, severities: list[Severity], expected: int
) -> None:
    problems = [Problem(code="x", severity=each, message="It is odd.", count=1) for each in severities]
    found = report.Report(model_id=MODEL, invocation_type="InvokeModel", records=100, problems=problems)

    def send_and_finish(request: urllib.request.Request) -> tuple[int, bytes]:
        InputCheck.objects.update(state=InputCheck.State.DONE, report_json=report.encode(found).decode())
        return send(request)

    assert main(["check", "s3://prompts/in/", "--model-id", MODEL, "--interval", "0"], send=send_and_finish) == expected
    assert json.loads(capsys.readouterr().out)["report"]["records"] == 100


def nobody(request: urllib.request.Request) -> tuple[int, bytes]:
    raise ApiError(0, {"detail": "away"})


@pytest.mark.parametrize(("count", "expected"), [(100, 0), (99, 1)])
def test_a_file_here_is_checked_without_a_console(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, count: int, expected: int
) -> None:
    (tmp_path / "records.jsonl").write_bytes(converse_lines(count))
    (tmp_path / "notes.txt").write_text("not an input")
    for path in (tmp_path / "records.jsonl", tmp_path):
        asked = ["check", str(path), "--model-id", MODEL, "--model-invocation-type", "Converse"]
        assert main(asked, send=nobody) == expected
        assert json.loads(capsys.readouterr().out)["report"]["records"] == count


def test_a_file_that_is_not_here_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["check", str(tmp_path / "none.jsonl"), "--model-id", MODEL], send=nobody) == 2
    assert "none.jsonl" in capsys.readouterr().err


def test_a_console_that_is_away_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jobs", "get", "1"], send=nobody) == 4
    assert "away" in capsys.readouterr().err


def test_an_address_that_is_no_console_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["budgets"], send=lambda request: (200, b"<html>")) == 4
    assert "is not the address of a Batch Console" in capsys.readouterr().err


def test_a_file_that_is_no_json_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text("{")
    assert main(["jobs", "create", str(tmp_path / "job.json")], send=send) == 2
    assert "job.json" in capsys.readouterr().err


def test_a_set_of_jobs_is_waited_for(capsys: pytest.CaptureFixture[str], connection: Connection) -> None:
    night = [make_job(connection, job_name=f"night-{number}", status="Completed").pk for number in range(3)]
    other = make_job(connection, job_name="other", status="Completed")
    code, jobs = run(capsys, "jobs", "wait", other.pk, night[0], "--query", "night", "--timeout", 0)
    assert (code, {job["id"] for job in jobs}, len(jobs)) == (0, {other.pk, *night}, 4)
    assert main(["jobs", "wait"], send=send) == 2
    assert "--query" in capsys.readouterr().err


def test_an_input_is_made_and_waited_for(
    capsys: pytest.CaptureFixture[str], connection: Connection, tmp_path: Path
) -> None:
    made = MadeInput.objects.create(
        connection=connection, source_size=9, recipe_json="{}", output_s3_uri="s3://prompts/in/a.jsonl"
    )
    answers = iter([(201, 0), (200, 0), (200, 7)])

    def work(request: urllib.request.Request) -> tuple[int, bytes]:
        status, records = next(answers)
        MadeInput.objects.update(records=records, state="done" if records else "running")
        request = urllib.request.Request(  # what the API would answer to the POST
            f"http://x/api/v1/connections/{connection.name}/inputs/{made.pk}", headers=dict(request.header_items())
        )
        return status, send(request)[1]

    (tmp_path / "input.json").write_text("{}")
    assert main(["make", str(tmp_path / "input.json"), "--interval", "0"], send=work) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["records"] == 7
    assert "0 records." in said.err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_a_bar_in_a_terminal_and_a_line_elsewhere() -> None:
    for stream, shown in ((Terminal(), f"\r[{'#' * 15}{'.' * 15}] half\n"), (io.StringIO(), "half\n")):
        with Progress(stream) as progress:
            progress.show("half", 0.5)
            progress.show("half", 0.5)
        assert stream.getvalue() == shown


def test_the_command_is_installed_under_its_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    module, _, name = project["scripts"]["batchconsole"].partition(":")
    assert getattr(importlib.import_module(module), name) is main


@pytest.mark.parametrize("command", [("jobs", "wait"), ("client", "jobs", "wait")])
def test_manage_py_has_the_verbs_too(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command(*command)
    assert ended.value.code == 2
    assert "Name the jobs to wait for" in capsys.readouterr().err


def test_manage_py_makes_an_input_as_the_client_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("make", str(tmp_path / "missing.json"))
    assert ended.value.code == 2
    assert "missing.json" in capsys.readouterr().err


def test_two_keys_in_one_are_refused_and_not_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BATCHCONSOLE_API_KEY", "BCAK-first\nBCAK-second")
    assert main(["jobs", "list"]) == 2
    assert "BCAK-" not in capsys.readouterr().err


def test_a_schedule_is_created_from_a_file_paused_and_deleted(
    capsys: pytest.CaptureFixture[str], connection: Connection, person: User, tmp_path: Path
) -> None:
    file = tmp_path / "schedule.json"
    job = ASKED | {"job_name": "nightly-{date:%Y%m%d}"}
    file.write_text(json.dumps({"title": "Nightly", "kind": "rule", "rule": "0 2 * * *", "job": job}))
    code, made = run(capsys, "schedules", "create", file, "--idempotency-key", "1")
    assert (code, made["title"]) == (0, "Nightly"), made
    assert run(capsys, "schedules", "pause", made["id"])[1]["is_active"] is False
    assert run(capsys, "schedules", "runs", made["id"]) == (0, {"runs": []})
    assert run(capsys, "schedules", "delete", made["id"]) == (0, {})
    assert run(capsys, "schedules", "list") == (0, [])


def test_a_job_is_created_from_a_job_template(
    capsys: pytest.CaptureFixture[str], connection: Connection, tmp_path: Path
) -> None:
    file = tmp_path / "template.json"
    file.write_text(json.dumps({"name": "Night", "job": ASKED}))
    template = run(capsys, "job-templates", "save", file)[1]
    code, job = run(capsys, "job-templates", "use", template["id"], "night-2", "--input-s3-uri", "s3://prompts/two/")
    assert (code, job["job_name"], job["input_s3_uri"]) == (0, "night-2", "s3://prompts/two/")


def test_the_connections_of_the_key_are_listed(capsys: pytest.CaptureFixture[str], connection: Connection) -> None:
    code, found = run(capsys, "connections")
    assert (code, [each["name"] for each in found]) == (0, ["local"])


@pytest.mark.parametrize("text", ["{", "[]", None])
def test_a_file_that_holds_no_object_is_an_invalid_command(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str | None
) -> None:
    file = tmp_path / "split.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SystemExit) as ended:
        main(["splits", "create", str(file)], send=nobody)
    assert ended.value.code == 2
    assert str(file) in capsys.readouterr().err
