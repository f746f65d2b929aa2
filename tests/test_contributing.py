"""CONTRIBUTING.md: every file and name that its map and recipes mention exists."""

import re

import pytest

from batchconsole.setup.paths import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text()
NAMED = sorted(
    set(re.findall(r"`((?:batchconsole|templates|static|tests|docs)/[^`<\s]+|README\.md|pyproject\.toml)`", TEXT))
)
RECIPES = re.findall(r"^### (.+)$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("path", NAMED)
def test_what_it_names_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_there_are_eleven_recipes_and_each_names_a_file() -> None:
    parts = re.split(r"^### .+$", TEXT, flags=re.MULTILINE)[1:]
    assert len(RECIPES) == 11
    assert all(re.search(r"`[a-z]+/[a-z_/]+\.\w+`", part) for part in parts)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("TABS", "batchconsole/console/job/views.py"),
        ("READ_TAB", "batchconsole/console/job/views.py"),
        ("class Right", "batchconsole/jobs/models/access.py"),
        ("class JobRequest", "batchconsole/aws/job_request.py"),
        ("COLUMNS", "batchconsole/console/job_list/columns.py"),
    ],
)
def test_a_name_of_a_recipe_is_in_its_file(name: str, path: str) -> None:
    assert name in (ROOT / path).read_text()
