"""Merging files of records: one format, recordIds that differ, and every other byte kept."""

import json

import pytest

from batchconsole.records.files import InputFile, from_bytes
from batchconsole.records.merging import CannotMerge, common_formats, formats_of, merge, prefixes_of, require_distinct

CONVERSE = {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
CLAUDE = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}


def line(record_id: str, body: object = CONVERSE) -> bytes:
    return json.dumps({"recordId": record_id, "modelInput": body}).encode() + b"\n"


def ignore(size: int) -> None:
    """Nobody follows."""


def files(**data: bytes) -> list[InputFile]:
    return [from_bytes(f"in/{name}.jsonl", each) for name, each in data.items()]


def test_files_of_one_format_go_together() -> None:
    formats = {name: formats_of(name, line("r")) for name in ("a", "b")}
    assert "converse" in common_formats(formats)


def test_files_of_two_formats_are_named() -> None:
    formats = {"a.jsonl": formats_of("a.jsonl", line("r")), "b.jsonl": formats_of("b.jsonl", line("r", CLAUDE))}
    with pytest.raises(CannotMerge, match=r"a\.jsonl has the format .*Converse and b\.jsonl has Anthropic"):
        common_formats(formats)


def test_files_that_agree_only_two_by_two_do_not_go_together() -> None:
    pairs = [frozenset(pair) for pair in (("converse", "nova"), ("nova", "llama"), ("llama", "converse"))]
    with pytest.raises(CannotMerge, match="a has the format"):
        common_formats(dict(zip("abc", pairs, strict=True)))


def test_a_format_that_is_not_known_is_no_obstacle() -> None:
    assert common_formats({"a": formats_of("a", line("r", {"odd": 1})), "b": formats_of("b", line("r"))})


@pytest.mark.parametrize("head", [b"", b"id,question\n", b'{"custom_id": "a", "body": {}}\n', b"[1]\n"])
def test_a_file_without_records_is_refused(head: bytes) -> None:
    with pytest.raises(CannotMerge, match=r"a\.jsonl does not begin with a record of Amazon Bedrock"):
        formats_of("a.jsonl", head)


def test_repeated_ids_are_told_with_their_places() -> None:
    both = files(a=line("r-1") + line("r-2"), b=b"\n" + line("r-2"))
    with pytest.raises(CannotMerge, match=r"1 record repeats a recordId: r-2 \(line 2 of in/b\.jsonl, also in line"):
        require_distinct(both, prefixes=False, progress=ignore)


def test_prefixes_tell_repeated_ids_apart_and_change_nothing_else() -> None:
    first = b'{"recordId": "r\\u00e9", "modelInput": {"x":  1.0, "y": "\\u00fc"}}\n'
    both = files(a=first, b=b'{"modelInput": {}}\n')
    require_distinct(both, prefixes=True, progress=ignore)
    lines = [record.line for record in merge(both, prefixes=True, progress=ignore)]
    assert json.loads(lines[0])["recordId"] == "a-r\u00e9"
    assert b'{"x":  1.0, "y": "\\u00fc"}' in lines[0]
    assert lines[1] == b'{"modelInput": {}}\n'


def test_without_prefixes_every_byte_is_kept() -> None:
    both = files(a=b'\xef\xbb\xbf{"recordId":"1"}\r\n\n', b=b'{"recordId":"2"}')
    merged = b"".join(record.line for record in merge(both, prefixes=False, progress=ignore))
    assert merged == b'{"recordId":"1"}\r\n{"recordId":"2"}\n'


def test_files_of_the_same_name_have_prefixes_of_their_own() -> None:
    same = [from_bytes(name, b"") for name in ("x/day 1.jsonl", "y/day 1.jsonl", "z/day.jsonl")]
    assert prefixes_of(same) == ["day-1-", "day-1-2-", "day-"]
