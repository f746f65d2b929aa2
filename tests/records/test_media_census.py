"""Counting what records refer to in S3: what copies take, and who refers to what cannot be copied."""

import json
import re

import pytest

from batchconsole.records import media_census
from batchconsole.records.media import MediaRefused
from batchconsole.records.media_census import Census

FOLDER = "s3://bucket/in/"


def record(*uris: str) -> bytes:
    return json.dumps({"modelInput": {"images": [{"s3Location": {"uri": uri}} for uri in uris]}}).encode()


def census_of(*records: list[str]) -> Census:
    census = Census(None)
    for number, uris in enumerate(records, 1):
        census.look(record(*uris), f"Line {number} of a.jsonl")
    return census


@pytest.mark.parametrize(
    ("cuts", "copies"),
    [
        ([4], (2, 12)),  # each object once
        ([2, 4], (3, 17)),  # once for each part that refers to it
        ([1, 2, 3, 4], (4, 22)),
    ],
)
def test_each_part_gets_each_of_its_objects_once(cuts: list[int], copies: tuple[int, int]) -> None:
    first, second = f"{FOLDER}1.png", f"{FOLDER}2.png"
    census = census_of([first, first], [first, second], [], [first])
    assert census.copies(cuts, {first: 5, second: 7}) == copies


def test_no_more_is_copied_than_the_bounds_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"{FOLDER}1.png"
    with pytest.raises(MediaRefused, match="would be copied, and at most 100,000 objects"):
        census_of([uri]).copies([1], {uri: media_census.MOST_BYTES + 1})
    monkeypatch.setattr(media_census, "MOST_OBJECTS", 1)
    with pytest.raises(MediaRefused, match="more than 1 objects in S3"):
        census_of([uri], [f"{FOLDER}2.png"])


@pytest.mark.parametrize("uri", ["images/1.png", "https://example.com/1.png", "s3://bucket", f"{FOLDER}images/", ""])
def test_what_is_no_object_in_s3_is_told_with_its_record(uri: str) -> None:
    with pytest.raises(MediaRefused, match=re.escape(f"Line 2 of a.jsonl refers to {uri}, which is no URI")):
        census_of([f"{FOLDER}1.png"], [uri]).require_uris()


@pytest.mark.parametrize("uri", ["s3://other/in/1.png", "s3://bucket/in-2/1.png", "s3://bucket/1.png"])
def test_what_lies_outside_the_input_is_told_with_its_record(uri: str) -> None:
    census = census_of([f"{FOLDER}1.png"], [uri])
    with pytest.raises(MediaRefused, match=re.escape(f"Line 2 of a.jsonl refers to {uri}, which is not below")):
        census.require_below(FOLDER)


def test_missing_objects_are_told_with_a_few_records_and_their_number() -> None:
    uris = [f"{FOLDER}{number}.png" for number in range(6)]
    census = census_of(*[[uri] for uri in uris])
    with pytest.raises(MediaRefused) as refused:
        census.require_found({uris[0]: 1})
    assert str(refused.value).count("a.jsonl") == media_census.EXAMPLES
    assert "There are 5 such URIs." in str(refused.value)
    census.require_found(dict.fromkeys(uris))
