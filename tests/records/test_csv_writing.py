"""Every CSV is safe to open in a spreadsheet."""

import csv
import io

import pytest

from batchconsole.records.csv_writing import BYTE_ORDER_MARK, FORMULA, csv_chunks


def written(*rows: list[object], for_excel: bool = False) -> str:
    header, *rest = rows
    return b"".join(csv_chunks(map(str, header), rest, for_excel=for_excel)).decode()


@pytest.mark.parametrize("first", FORMULA)
def test_no_cell_is_a_formula_not_even_in_the_header(first: str) -> None:
    text = written([f"{first}HYPERLINK()"], [f"{first}1+1"])
    assert list(csv.reader(io.StringIO(text, newline=""))) == [[f"'{first}HYPERLINK()"], [f"'{first}1+1"]]


def test_numbers_stay_numbers_and_nothing_is_empty() -> None:
    assert written(["a", "b", "c"], [-1, None, "x, y"]) == 'a,b,c\r\n-1,,"x, y"\r\n'


def test_excel_gets_a_byte_order_mark_and_nobody_else() -> None:
    assert written(["é"], for_excel=True).encode().startswith(BYTE_ORDER_MARK)
    assert not written(["é"]).encode().startswith(BYTE_ORDER_MARK)


def test_half_a_surrogate_pair_is_a_question_mark() -> None:
    assert written(["a"], ["\ud83d"]) == "a\r\n?\r\n"


def test_a_large_file_comes_in_chunks_with_one_mark() -> None:
    chunks = list(csv_chunks(["a"], (["x" * 1000] for _ in range(200)), for_excel=True))
    assert len(chunks) > 2
    assert b"".join(chunks).count(BYTE_ORDER_MARK) == 1
