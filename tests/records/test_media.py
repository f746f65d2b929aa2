"""The S3 objects that records refer to: found in every format, replaced alone, and copied under names of their own."""

import json

import pytest

from batchconsole.records import files, preflight
from batchconsole.records.families import family_for
from batchconsole.records.media import copy_name, media_of, with_uris
from batchconsole.records.report import Report

NOVA = "amazon.nova-lite-v1:0"
CONVERSE = family_for(NOVA, "Converse")
FOLDER = "s3://bucket/in"


def line(*uris: str, odd: str = "") -> bytes:
    """A record with an image for each of *uris*, and bytes that a decoder and encoder would change."""
    location = '{"uri": "URI", "bucketOwner": "123456789012"}'
    image = '{"image": {"format": "png", "source": {"s3Location": LOCATION}}}'.replace("LOCATION", location)
    images = ",".join(image.replace("URI", uri) for uri in uris)
    text = '{"text":  "s3://bucket/in/1.png"}'
    body = f'{{"messages": [{{"role": "user", "content": [{text}, {images}]}}]{odd}}}'
    return f'{{"recordId": "r\\u00e9", "modelInput": {body}}}'.encode()


@pytest.mark.parametrize(
    ("body", "model", "found"),
    [
        ({"mediaSource": {"s3Location": {"uri": "s3://b/a.mp4"}}}, "twelvelabs.pegasus-1-2-v1:0", ["s3://b/a.mp4"]),
        ({"a": [{"s3Location": {"uri": "images/1.png"}}]}, "someone.new-model-v1:0", ["images/1.png"]),
        ({"messages": [{"role": "user", "content": [{"text": "s3Location s3://b/c"}]}]}, NOVA, []),
        ({"messages": [{"s3Location": {"uri": "s3://b/odd"}}]}, NOVA, ["s3://b/odd"]),
        ({"s3Location": "s3://b/a"}, "someone.new-model-v1:0", []),
        ("s3://b/a", NOVA, []),
    ],
)
def test_what_a_record_refers_to_is_found_in_any_format(body: object, model: str, found: list[str]) -> None:
    record = json.dumps({"modelInput": body}).encode()
    family = family_for(model, "Converse" if model == NOVA else "InvokeModel")
    assert [each.uri for each in media_of(record, family)] == found


@pytest.mark.parametrize("record", [b"s3Location {", b'{"no": "s3://b/a"}', b"[1]", b'{"modelInput": "\xff s3://b/a"}'])
def test_a_line_that_is_no_record_refers_to_nothing(record: bytes) -> None:
    assert media_of(record, CONVERSE) == []


def test_only_the_uris_of_media_are_replaced() -> None:
    settings = ', "inferenceConfig":  {"temperature": 0.10}'
    record = line("s3://bucket/in/1.png", "s3:\\/\\/bucket/in/2.png", odd=settings)
    uris = {"s3://bucket/in/1.png": "s3://other/x", "s3://bucket/in/2.png": "s3://bucket/y"}
    new = with_uris(record, media_of(record, CONVERSE), uris, owner="210987654321")
    content = json.loads(new)["modelInput"]["messages"][0]["content"]
    assert [each["image"]["source"]["s3Location"] for each in content[1:]] == [
        {"uri": "s3://other/x", "bucketOwner": "210987654321"},
        {"uri": "s3://bucket/y", "bucketOwner": "123456789012"},
    ]
    for kept in (b'"r\\u00e9"', b'{"text":  "s3://bucket/in/1.png"}', b'{"temperature": 0.10}'):
        assert kept in new


def test_a_record_without_new_uris_keeps_its_bytes() -> None:
    record = line("s3://bucket/in/1.png")
    assert with_uris(record, media_of(record, CONVERSE), {}) == record


def test_copies_have_names_of_their_own_that_no_job_reads_as_records() -> None:
    uris = ["s3://b/a/1.png", "s3://b/b/1.png", "s3://b/a/caf\u00e9 1.png", f"s3://b/{'x' * 900}.png", "s3://b/a.jsonl"]
    names = [copy_name(uri, "etag") for uri in uris] + [copy_name(uris[0], "other")]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) < 150
    assert [name.rpartition("-")[2] for name in names[:3]] == ["1.png", "1.png", "1.png"]
    assert not names[4].endswith(".jsonl")


def checked(*records: bytes, objects: dict[str, int] | None) -> Report:
    file = files.from_bytes("in.jsonl", b"\n".join(records))
    return preflight.check(
        [file], model_id=NOVA, invocation_type="Converse", input_s3_uri=f"{FOLDER}/", objects=objects
    )


def test_a_check_names_the_records_whose_object_is_missing() -> None:
    records = line(f"{FOLDER}/1.png"), line(f"{FOLDER}/2.png")
    found = checked(*records, objects={f"{FOLDER}/1.png": 5})
    missing = next(each for each in found.problems if each.code == "media-missing")
    assert [(each.line, each.found) for each in missing.examples] == [(2, f"{FOLDER}/2.png")]
    assert missing.severity == "error"
    assert not [each for each in checked(*records, objects=None).problems if each.code == "media-missing"]


def test_a_check_counts_each_object_once() -> None:
    objects = {f"{FOLDER}/1.png": 5, f"{FOLDER}/2.png": 7, f"{FOLDER}/unused.png": 9}
    found = checked(line(f"{FOLDER}/1.png", f"{FOLDER}/2.png"), line(f"{FOLDER}/1.png"), objects=objects)
    assert (found.media_objects, found.media_bytes) == (2, 12)
