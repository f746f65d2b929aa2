"""docs/security.md: a line for each requirement, and each file that it names is there."""

import re

import pytest

from batchconsole.setup.paths import ROOT

TEXT = (ROOT / "docs" / "security.md").read_text()
ROW = re.compile(r"^\| V(\d+)\.(\d+)\.(\d+) \| (.+?) \| (.+?) \|$", re.MULTILINE)
ROWS = ROW.findall(TEXT)
# How many requirements of levels 1 and 2 each chapter of ASVS 5.0.0 has.
OF_CHAPTER = {
    1: 27, 2: 11, 3: 19, 4: 10, 5: 9, 6: 35, 7: 18, 8: 7, 9: 7,
    10: 29, 11: 14, 12: 9, 13: 13, 14: 9, 15: 13, 16: 16, 17: 7,
}  # fmt: skip


@pytest.mark.parametrize("chapter", OF_CHAPTER)
def test_each_requirement_of_level_2_has_a_line(chapter: int) -> None:
    numbers = [(section, number) for of, section, number, *_ in ROWS if int(of) == chapter]
    assert len(set(numbers)) == len(numbers) == OF_CHAPTER[chapter]


def test_each_line_says_whether_it_is_met_and_why() -> None:
    assert {met for *_, met, _ in ROWS} == {"yes", "partly", "no", "n/a"}
    assert all(len(why) > 3 for *_, why in ROWS)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w.-]+(?:/[\w.-]+)+|[\w-]+\.(?:md|lock|toml))`", TEXT))))
def test_a_file_that_is_named_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("page", sorted(set(re.findall(r"\]\(([\w-]+\.md)\)", TEXT))))
def test_a_page_that_is_linked_is_there(page: str) -> None:
    assert (ROOT / "docs" / page).exists()
