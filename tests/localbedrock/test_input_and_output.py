"""Realistic input files and the output they produce."""

import json
from typing import Any

import pytest

from tests.conftest import ACCOUNT
from tests.localbedrock.stack import Service, Workspace, converse_record, create, json_lines, policy


def ids(answers: list[dict[str, Any]]) -> list[Any]:
    return sorted(answer["recordId"] for answer in answers)


def one(number: int, **members: Any) -> dict[str, Any]:
    return converse_record(number) | members


def test_an_output_line_has_the_input_the_answer_and_the_id(bedrock: Any, workspace: Workspace) -> None:
    record = one(1)
    job = workspace.run(bedrock, workspace.put(json_lines([record])))
    [answer] = workspace.answers(job)
    assert list(answer) == ["modelInput", "modelOutput", "recordId"]
    assert (answer["modelInput"], answer["recordId"]) == (record["modelInput"], "record-1")
    assert answer["modelOutput"]["output"]["message"]["content"] == [{"text": "Prompt 1"}]


def test_an_error_line_has_the_error_in_place_of_the_answer(bedrock: Any, workspace: Workspace) -> None:
    job = workspace.run(bedrock, workspace.put(json_lines([converse_record(1, "[[fail: 424 The model timed out]]")])))
    [answer] = workspace.answers(job)
    assert list(answer) == ["modelInput", "error", "recordId"]
    assert answer["error"] == {"errorCode": 424, "errorMessage": "The model timed out"}


def test_output_objects_are_octet_streams(bedrock: Any, workspace: Workspace) -> None:
    job = workspace.run(bedrock, workspace.put_records(1))
    folder = f"out/{job['jobArn'].rpartition('/')[2]}"
    for name in ("input.jsonl.out", "manifest.json.out"):
        head = workspace.s3.head_object(Bucket=workspace.bucket, Key=f"{folder}/{name}")
        assert head["ContentType"] == "application/octet-stream"


@pytest.mark.parametrize("prefix", ["out", "out/"])
def test_the_output_folder_follows_one_slash(bedrock: Any, workspace: Workspace, prefix: str) -> None:
    output = {"s3OutputDataConfig": {"s3Uri": f"s3://{workspace.bucket}/{prefix}"}}
    job = workspace.run(bedrock, workspace.put_records(1), outputDataConfig=output)
    assert set(workspace.outputs(job)) == {"input.jsonl.out", "manifest.json.out"}


def test_the_output_may_lie_at_the_top_of_the_bucket(bedrock: Any, workspace: Workspace) -> None:
    output = {"s3OutputDataConfig": {"s3Uri": f"s3://{workspace.bucket}"}}
    job = workspace.run(bedrock, workspace.put_records(1), outputDataConfig=output)
    assert workspace.read(f"{job['jobArn'].rpartition('/')[2]}/input.jsonl.out")


def test_a_single_file_is_an_input(bedrock: Any, workspace: Workspace) -> None:
    uri = workspace.put_records(2)
    workspace.put(json_lines([one(9)]), "other.jsonl", uri.split("/")[3])
    job = workspace.run(bedrock, f"{uri}input.jsonl")
    assert set(workspace.outputs(job)) == {"input.jsonl.out", "manifest.json.out"}
    assert job["totalRecordCount"] == 2


def test_a_folder_needs_no_slash_and_is_not_its_neighbour(bedrock: Any, workspace: Workspace) -> None:
    uri = workspace.put_records(2)
    workspace.put_records(3)
    workspace.put(json_lines([one(9)]), folder=f"{uri.split('/')[3]}2")
    assert workspace.run(bedrock, uri.rstrip("/"))["totalRecordCount"] == 2


def test_folders_are_mirrored_and_only_jsonl_is_input(bedrock: Any, workspace: Workspace) -> None:
    uri = workspace.put(json_lines([one(1), one(2)]), "a.jsonl")
    folder = uri.split("/")[3]
    for name in ("deep/er/b.jsonl", "deep/a.jsonl", "photo.png", "a.jsonl.out", "deep/c.json"):
        workspace.put(json_lines([one(3)]), name, folder)
    job = workspace.run(bedrock, uri)
    assert set(workspace.outputs(job)) == {
        "a.jsonl.out",
        "deep/er/b.jsonl.out",
        "deep/a.jsonl.out",
        "manifest.json.out",
    }
    assert (job["totalRecordCount"], job["successRecordCount"]) == (4, 4)


def test_output_inside_the_input_folder_is_not_read_again(bedrock: Any, workspace: Workspace) -> None:
    uri = workspace.put_records(2)
    output = {"outputDataConfig": {"s3OutputDataConfig": {"s3Uri": uri}}}
    for _ in range(2):
        assert workspace.run(bedrock, uri, **output)["totalRecordCount"] == 2


def test_many_small_files_are_one_job(bedrock: Any, workspace: Workspace) -> None:
    uri = workspace.put(json_lines([one(0)]), "0.jsonl")
    for number in range(1, 40):
        workspace.put(json_lines([one(number)]), f"{number}.jsonl", uri.split("/")[3])
    job = workspace.run(bedrock, uri)
    outputs = workspace.outputs(job)
    assert len(outputs) == 41
    assert json.loads(outputs["17.jsonl.out"])["recordId"] == "record-17"
    assert workspace.manifest(job)["successRecordCount"] == 40


def test_a_file_without_records_has_an_empty_output(bedrock: Any, workspace: Workspace) -> None:
    uri = workspace.put(b"\n", "a.jsonl")
    workspace.put(json_lines([one(1)]), "b.jsonl", uri.split("/")[3])
    workspace.put(b"", "c.jsonl", uri.split("/")[3])
    outputs = workspace.outputs(workspace.run(bedrock, uri))
    assert (outputs["a.jsonl.out"], outputs["c.jsonl.out"]) == (b"", b"")
    assert outputs["b.jsonl.out"].count(b"\n") == 1


def test_missing_ids_are_given_and_repeated_ones_kept(bedrock: Any, workspace: Workspace) -> None:
    records = [one(1), one(1), one(2, recordId=None), {"modelInput": one(3)["modelInput"]}]
    answers = workspace.answers(workspace.run(bedrock, workspace.put(json_lines(records))))
    assert ids(answers) == ["REC00000003", "REC00000004", "record-1", "record-1"]


@pytest.mark.parametrize(
    "content",
    [
        json_lines([one(1), one(2)]).replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + json_lines([one(1), one(2)]),
        json_lines([one(1), one(2)]) + b"\n  \n\r\n",
        json_lines([one(1)]) + b"\n" + json_lines([one(2)]),
        json_lines([one(1), one(2)]).rstrip(),
        b"  " + json_lines([one(1), one(2)]),
    ],
    ids=["CRLF", "byte-order mark", "blank end", "blank middle", "no last line feed", "indented"],
)
def test_lines_as_editors_leave_them(bedrock: Any, workspace: Workspace, content: bytes) -> None:
    job = workspace.run(bedrock, workspace.put(content))
    assert ids(workspace.answers(job)) == ["record-1", "record-2"]


def test_text_survives_as_it_was_written(bedrock: Any, workspace: Workspace) -> None:
    text = "line\u2028para\u2029next\u0085 \\u0041 \U0001f600 \x7f"
    line = json.dumps(converse_record(1, text), ensure_ascii=False).encode()
    [answer] = workspace.answers(workspace.run(bedrock, workspace.put(line + b"\n" + line)))[:1]
    assert answer["modelInput"]["messages"][0]["content"][0]["text"] == text
    assert answer["modelOutput"]["output"]["message"]["content"][0]["text"] == text


def test_the_order_of_the_output_is_not_that_of_the_input(bedrock: Any, workspace: Workspace) -> None:
    answers = workspace.answers(workspace.run(bedrock, workspace.put_records(200)))
    found = [answer["recordId"] for answer in answers]
    assert sorted(found) == sorted(f"record-{number}" for number in range(200))
    assert found != [f"record-{number}" for number in range(200)]


def test_a_large_output_is_uploaded_in_parts(bedrock: Any, workspace: Workspace) -> None:
    text = "x" * 100_000
    uri = workspace.put_records(120, lambda number: converse_record(number, f"{number} {text}"))
    job = workspace.run(bedrock, uri)
    answers = workspace.answers(job)
    assert ids(answers) == sorted(f"record-{number}" for number in range(120))
    head = workspace.s3.head_object(
        Bucket=workspace.bucket, Key=f"out/{job['jobArn'].rpartition('/')[2]}/input.jsonl.out"
    )
    assert head["ETag"].strip('"').endswith(("-2", "-3"))


def test_answers_that_come_all_at_once_are_uploaded_in_parts_too(bedrock: Any, workspace: Workspace) -> None:
    text = "x" * 100_000
    uri = workspace.put_records(
        120, lambda number: converse_record(number, f"{text}{'' if number else '[[sleep: 1]]'}")
    )
    job = workspace.run(bedrock, uri)
    key = f"out/{job['jobArn'].rpartition('/')[2]}/input.jsonl.out"
    etag = workspace.s3.head_object(Bucket=workspace.bucket, Key=key)["ETag"].strip('"')
    assert etag.endswith(("-2", "-3"))


def test_the_output_is_encrypted_with_the_key_asked_for(bedrock: Any, workspace: Workspace) -> None:
    key_arn = workspace.make_key()
    role = workspace.make_role(policy(workspace.bucket, key_arn=key_arn))
    output = {"s3OutputDataConfig": {"s3Uri": f"s3://{workspace.bucket}/out/", "s3EncryptionKeyId": key_arn}}
    job = workspace.run(bedrock, workspace.put_records(1), outputDataConfig=output, roleArn=role)
    for name in ("input.jsonl.out", "manifest.json.out"):
        key = f"out/{job['jobArn'].rpartition('/')[2]}/{name}"
        assert workspace.s3.head_object(Bucket=workspace.bucket, Key=key)["ServerSideEncryption"] == "aws:kms"


def test_a_bucket_owner_given_is_shown(bedrock: Any, workspace: Workspace) -> None:
    config = {"s3InputDataConfig": {"s3Uri": workspace.put_records(1), "s3BucketOwner": ACCOUNT}}
    job = workspace.run(bedrock, "", inputDataConfig=config)
    assert job["status"] == "Completed"
    assert job["inputDataConfig"]["s3InputDataConfig"]["s3BucketOwner"] == ACCOUNT


def test_jobs_share_the_model(service: Service, bedrock: Any, workspace: Workspace) -> None:
    uri = workspace.put_records(300)
    with service.fault(kind="model_down"):
        arns = [create(bedrock, workspace.request(uri)) for _ in range(5)]
        for arn in arns:
            workspace.wait(bedrock, arn, until=["InProgress"])
    jobs = [workspace.wait(bedrock, arn) for arn in arns]
    assert all(job["successRecordCount"] == 300 for job in jobs)
