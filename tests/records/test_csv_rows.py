"""CSV as spreadsheets and programs write it."""

import pytest

from batchconsole.records.csv_rows import encoding_of, find_separator, read_csv
from batchconsole.records.rows import TableError

TWO = [{"id": "1", "text": "hällo"}, {"id": "2", "text": "b"}]


def rows(data: bytes, size: int = 5, **chosen: str) -> list[dict[str, str]]:
    return list(read_csv([data[start : start + size] for start in range(0, len(data), size)], **chosen))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_encoding_line_ends_and_separator_are_found(encoding: str, end: str, separator: str) -> None:
    lines = ["id,text", '"1",hällo', "", ",", '2,"b"', ",", ""]
    data = end.join(lines).replace(",", separator).encode(encoding)
    assert rows(data) == TWO
    assert rows(data, 1) == TWO


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ('"id, internal";"text"\n"1";"hello"\n', ";"),
        ('"Customer\nname";text;id\n"Ann";hello;1\n', ";"),
        ("a,b;c\n1,2;3\n", ","),
        ("a;b\n1,5;2\n3,5;4\n", ";"),
        ("a|b\n1|2,3\n", "|"),
        ("a,b\n1,2\n3\n", ","),
        ("one\ntwo\n", ","),
        ("a;b", ";"),
        ("", ","),
    ],
)
def test_the_separator_is_that_of_the_rows(text: str, separator: str) -> None:
    assert find_separator(text) == separator


@pytest.mark.parametrize("first", [b"sep=|", b'"sep=|"', b"SEP=|"])
def test_a_separator_may_be_named_by_the_file(first: bytes) -> None:
    assert rows(first + b"\r\na,x|b\r\n1|2\r\n") == [{"a,x": "1", "b": "2"}]


def test_a_quotation_mark_that_is_never_closed_is_named_in_a_short_file_too() -> None:
    with pytest.raises(TableError, match="never closed"):
        rows(b'a,b\n1,"x\n2,y\n')


def test_separator_and_encoding_may_be_chosen() -> None:
    assert rows("a:b\nž:2\n".encode("iso-8859-2"), separator=":", encoding="iso-8859-2") == [{"a": "ž", "b": "2"}]


def test_an_encoding_that_does_not_exist_is_named() -> None:
    with pytest.raises(TableError, match="no encoding tea"):
        rows(b"a\n1\n", encoding="tea")


def test_a_line_break_in_a_value_stays() -> None:
    assert rows(b'a,b\n"1\r\n2\r3\n4",5\n') == [{"a": "1\r\n2\r3\n4", "b": "5"}]


def test_values_behind_the_last_column_count_when_they_are_some() -> None:
    assert rows(b"a,b\n1,2,,\n") == [{"a": "1", "b": "2"}]
    with pytest.raises(TableError, match="Row 1: It has 3 values") as caught:
        rows(b"a,b\n1,2,3\n")
    assert "separator" in caught.value.hint


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'a,b\n"never closed,2', "a quotation mark is never closed"),
        (b'a,b\n"x"y,2\n', "goes on after its closing quotation mark"),
        (b"a,b\n1\r2,3\n4,5\n", "a line break stands inside a value"),
    ],
)
def test_what_is_no_csv_is_told_in_plain_words(data: bytes, words: str) -> None:
    with pytest.raises(TableError, match=f"Row 1: It is not valid CSV: .*{words}"):
        rows(data)


def test_a_row_is_bounded() -> None:
    with pytest.raises(TableError, match="row longer than"):
        list(read_csv([b"a,b\n", *[b'"' + b"x" * 2**23 + b'\n",'] * 5]))


@pytest.mark.parametrize("head", [b"\xff\xfea\0", b"\xfe\xff\0a"])
def test_utf_16_is_known_by_its_mark(head: bytes) -> None:
    assert encoding_of(head) == "utf-16"
