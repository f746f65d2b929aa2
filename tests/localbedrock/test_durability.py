"""The service resumes after a kill at any moment: no record is lost or answered twice, and every count is right."""

import json
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localbedrock.model_server import serving
from tests.localbedrock.stack import ENDED, Service, Workspace, converse_record, create, json_lines, policy, running

ROUNDS = 20
RECORDS = {"a": 1300, "b": 150, "deep/c": 150}
PADDING = "x" * 4000  # Makes the output of the first file large enough for several parts.


def make_input(workspace: Workspace) -> str:
    """Put three files whose records contain their own position, and return their folder; every tenth record fails."""
    uri = ""
    for name, count in RECORDS.items():
        content = json_lines(
            converse_record(number, f"{'[[fail: 400 no]] ' if number % 10 == 0 else ''}{name} {number} {PADDING}")
            for number in range(count)
        )
        uri = workspace.put(content, f"{name}.jsonl", uri.split("/")[3] if uri else "")
    return uri


def check_outputs(workspace: Workspace, job: dict[str, Any]) -> None:
    outputs = workspace.outputs(job)
    assert set(outputs) == {"a.jsonl.out", "b.jsonl.out", "deep/c.jsonl.out", "manifest.json.out"}
    for name, count in RECORDS.items():
        answers = [json.loads(line) for line in outputs[f"{name}.jsonl.out"].split(b"\n") if line]
        wanted = Counter(f"record-{number}" for number in range(count))
        assert Counter(answer["recordId"] for answer in answers) == wanted
        assert all(_is_right(name, answer) for answer in answers)
    manifest = json.loads(outputs["manifest.json.out"])
    total = sum(RECORDS.values())
    good, bad = total * 9 // 10, total // 10
    assert (manifest["successRecordCount"], manifest["errorRecordCount"]) == (good, bad)
    assert manifest["inputTokenCount"] == manifest["outputTokenCount"] == good * 3
    assert (job["successRecordCount"], job["errorRecordCount"], job["totalRecordCount"]) == (good, bad, total)


def _is_right(name: str, answer: dict[str, Any]) -> bool:
    number = int(answer["recordId"].removeprefix("record-"))
    if number % 10 == 0:
        return bool(answer["error"] == {"errorCode": 400, "errorMessage": "no"})
    text = answer["modelOutput"]["output"]["message"]["content"][0]["text"]
    return bool(text == f"{name} {number} {PADDING}")


def test_twenty_kills_lose_nothing_and_repeat_nothing(aws_endpoint: str, workspace: Workspace, tmp_path: Path) -> None:
    uri = make_input(workspace)
    with running(Service(tmp_path, aws_endpoint, "--min-records-per-job", "1")) as service:
        arns: list[str] = []
        for _ in range(ROUNDS):
            if all(status in ENDED for status in statuses(service, arns)):
                arns += [create(service.client(), workspace.request(uri)) for _ in range(2)]
            time.sleep(random.uniform(0, 1))
            service.kill()
            service.start_again()
        jobs = [workspace.wait(service.client(), arn, seconds=60) for arn in arns]
    assert {job["status"] for job in jobs} == {"Completed"}
    for job in jobs:
        check_outputs(workspace, job)
    assert not list((tmp_path / "spool").iterdir())
    assert "Uploads" not in workspace.s3.list_multipart_uploads(Bucket=workspace.bucket)


def statuses(service: Service, arns: list[str]) -> list[str]:
    bedrock = service.client()
    return [bedrock.get_model_invocation_job(jobIdentifier=arn)["status"] for arn in arns]


def test_a_kill_while_stopping_ends_in_stopped(aws_endpoint: str, workspace: Workspace, tmp_path: Path) -> None:
    options = ("--min-records-per-job", "1", "--record-seconds", "0.05", "--stopping-seconds", "1")
    with running(Service(tmp_path, aws_endpoint, *options)) as service:
        arn = create(service.client(), workspace.request(workspace.put_records(500)))
        while service.client().get_model_invocation_job(jobIdentifier=arn)["processedRecordCount"] == 0:
            time.sleep(0.05)
        service.client().stop_model_invocation_job(jobIdentifier=arn)
        service.kill()
        service.start_again()
        job = workspace.wait(service.client(), arn)
    assert job["status"] == "Stopped"
    assert 0 < len(workspace.answers(job)) == job["processedRecordCount"] < 500
    assert workspace.manifest(job)["processedRecordCount"] == job["processedRecordCount"]


def test_a_job_made_before_a_kill_is_there_after_it(aws_endpoint: str, workspace: Workspace, tmp_path: Path) -> None:
    with running(Service(tmp_path, aws_endpoint, "--submitted-seconds", "3600")) as service:
        request = workspace.request("s3://bucket/in/", tags=[{"key": "a", "value": "b"}], clientRequestToken="t-1")
        arn = create(service.client(), request)
        service.kill()
        service.start_again()
        assert create(service.client(), request) == arn
        assert service.client().list_tags_for_resource(resourceARN=arn)["tags"] == request["tags"]


def test_an_orderly_end_is_quick_and_goes_on_too(aws_endpoint: str, workspace: Workspace, tmp_path: Path) -> None:
    options = ("--min-records-per-job", "1", "--record-seconds", "0.01")
    with running(Service(tmp_path, aws_endpoint, *options)) as service:
        arn = create(service.client(), workspace.request(workspace.put_records(600)))
        workspace.wait(service.client(), arn, until=["InProgress"])
        time.sleep(0.3)
        service.process.terminate()
        service.process.wait(5)
        service.start_again()
        job = workspace.wait(service.client(), arn)
    answers = workspace.answers(job)
    assert Counter(answer["recordId"] for answer in answers) == Counter(f"record-{number}" for number in range(600))


def test_a_model_server_that_goes_and_comes_back_costs_only_time(
    aws_endpoint: str, workspace: Workspace, tmp_path: Path
) -> None:
    with serving() as server:
        replies = iter([True] * 60 + [False] * 40)
        healthy = server.reply
        server.reply = lambda path, body: healthy(path, body) if next(replies, True) else (503, {"error": "restarting"})
        with running(Service(tmp_path, aws_endpoint, model=server.url)) as service:
            job = workspace.run(service.client(), workspace.put_records(150))
    assert (job["successRecordCount"], job["errorRecordCount"]) == (150, 0)


def test_a_disk_that_cannot_be_written_costs_only_time(aws_endpoint: str, workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "spool").touch()  # a file where the service needs a folder
    with running(Service(tmp_path, aws_endpoint, "--min-records-per-job", "1")) as service:
        arn = create(service.client(), workspace.request(workspace.put_records(3)))
        while "Is the disk full?" not in (log := (tmp_path / "log").read_text()):
            time.sleep(0.05)
        assert statuses(service, [arn]) == ["InProgress"]
        (tmp_path / "spool").unlink()
        job = workspace.wait(service.client(), arn)
    assert (job["status"], job["successRecordCount"]) == ("Completed", 3)
    assert "Traceback" not in log


def test_spools_of_jobs_that_are_no_more_are_cleared(aws_endpoint: str, tmp_path: Path) -> None:
    left = tmp_path / "spool" / "abcdefghijkl"
    left.mkdir(parents=True)
    (left / "0.out").write_text("of a former life")
    with running(Service(tmp_path, aws_endpoint)):
        while left.exists():
            time.sleep(0.02)


def test_an_upload_that_a_killed_service_did_not_note_is_given_up(
    aws_endpoint: str, workspace: Workspace, tmp_path: Path
) -> None:
    options = ("--min-records-per-job", "1", "--scheduled-seconds", "3600")
    with running(Service(tmp_path, aws_endpoint, *options)) as service:
        arn = create(service.client(), workspace.request(workspace.put_records(3)))
        workspace.wait(service.client(), arn, until=["Scheduled"])
        service.kill()
        key = f"out/{arn.rpartition('/')[2]}/input.jsonl.out"
        workspace.s3.create_multipart_upload(Bucket=workspace.bucket, Key=key)
        service.start_again()
        service.client().stop_model_invocation_job(jobIdentifier=arn)
        workspace.wait(service.client(), arn)
    assert "Uploads" not in workspace.s3.list_multipart_uploads(Bucket=workspace.bucket, Prefix=key)


def test_a_stopped_job_leaves_neither_upload_nor_spool(service: Service, workspace: Workspace) -> None:
    bedrock = service.client()
    with service.settings(record_seconds=0.05):
        arn = create(bedrock, workspace.request(workspace.put_records(500)))
        workspace.wait(bedrock, arn, until=["InProgress"])
        bedrock.stop_model_invocation_job(jobIdentifier=arn)
        job = workspace.wait(bedrock, arn)
    assert job["status"] == "Stopped"
    assert "Uploads" not in workspace.s3.list_multipart_uploads(Bucket=workspace.bucket)
    while (service.folder / "spool" / arn.rpartition("/")[2]).exists():
        time.sleep(0.02)


def test_a_job_that_fails_at_its_second_output_has_a_manifest(service: Service, workspace: Workspace) -> None:
    permissions = json.loads(policy(workspace.bucket))
    second = f"arn:aws:s3:::{workspace.bucket}/out/*/b.jsonl.out"
    permissions["Statement"].append({"Effect": "Deny", "Action": "s3:PutObject", "Resource": second})
    role_arn = workspace.make_role(json.dumps(permissions))
    uri = workspace.put(json_lines(map(converse_record, range(3))), "a.jsonl")
    workspace.put(json_lines(map(converse_record, range(3))), "b.jsonl", uri.split("/")[3])
    job = workspace.run(service.client(), uri, roleArn=role_arn)
    assert (job["status"], set(workspace.outputs(job))) == ("Failed", {"a.jsonl.out", "manifest.json.out"})


def test_without_room_on_the_disk_no_job_is_taken_and_those_there_wait(service: Service, workspace: Workspace) -> None:
    bedrock = service.client()
    request = workspace.request(workspace.put_records(3))
    with service.settings(scheduled_seconds=0.5):
        arn = create(bedrock, request)
        with service.settings(min_free_bytes=1 << 60):
            with pytest.raises(ClientError, match=r"MiB free and must have .* free some space"):
                create(bedrock, request | {"jobName": "another"})
            while f"A step of job {arn.rpartition('/')[2]} waits" not in (service.folder / "log").read_text():
                time.sleep(0.05)
            assert statuses(service, [arn]) == ["InProgress"]
    assert workspace.wait(bedrock, arn)["status"] == "Completed"


def test_s3_that_is_away_costs_only_time(workspace: Workspace, aws_endpoint: str, tmp_path: Path) -> None:
    with serving() as away:
        away.reply = lambda path, body: (503, b"")
        with running(Service(tmp_path, away.url, "--min-records-per-job", "1")) as service:
            arn = create(service.client(), workspace.request(workspace.put_records(3)))
            workspace.wait(service.client(), arn, until=["Validating"])
            time.sleep(0.5)
            assert statuses(service, [arn]) == ["Validating"]
            service.stop()
        with running(Service(tmp_path, aws_endpoint, "--min-records-per-job", "1")) as service:
            assert workspace.wait(service.client(), arn)["status"] == "Completed"
