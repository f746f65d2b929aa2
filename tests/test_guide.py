"""docs/guide.md: what it tells people to press is on the pages, what it links to is there, its pictures are small."""

import re
from pathlib import Path

import pytest

from batchconsole.setup.paths import ROOT
from batchconsole.up.sample import BUCKET, FILES

TEXT = (ROOT / "docs" / "guide.md").read_text()
FOLDERS = (ROOT / "templates", ROOT / "batchconsole", ROOT / "static" / "js")
PAGES = " ".join(
    re.sub(r"\{%.*?%\}", "", path.read_text())
    for folder in FOLDERS
    for path in sorted(folder.rglob("*"))
    if path.suffix in {".html", ".py", ".js"}
)
LABELS = sorted({" ".join(label.split()) for label in re.findall(r"\*\*(.+?)\*\*", TEXT, re.DOTALL)})


@pytest.mark.parametrize("label", LABELS)
def test_what_it_names_stands_on_a_page(label: str) -> None:
    assert label in PAGES


def test_it_has_eleven_parts_that_its_list_links_to() -> None:
    titles = re.findall(r"^## (\d+\. .+)$", TEXT, re.MULTILINE)
    anchors = [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]
    assert len(titles) == 11
    assert re.findall(r"^\d+\. \[.+\]\(#(.+)\)$", TEXT, re.MULTILINE) == anchors


def test_it_and_the_readme_name_every_sample() -> None:
    readme = (ROOT / "README.md").read_text()
    for name in {key.partition("/")[0] for key in FILES}:
        assert f"`{name}/`" in TEXT
        assert f"`{name}/`" in readme
    assert BUCKET in readme


def test_its_pictures_are_few_and_small() -> None:
    pictures = [ROOT / "docs" / name for name in re.findall(r"!\[.+?\]\((.+?)\)", TEXT)]
    assert 1 <= len(pictures) <= 8
    assert all(Path(path).stat().st_size < 60_000 for path in pictures)
