"""The console's font: what it contains, and that Django's static files include it."""

import string
from io import BytesIO
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from fontTools.ttLib import TTFont

from batchconsole.webfont import NAME, write_font

# Characters of our texts and of names in Latin alphabets: dot, quotes, dash, ellipsis, minus, times, euro, letters.
SHOWN = {
    *string.ascii_letters,
    *string.digits,
    *string.punctuation,
    *"\u00b7\u2018\u2019\u201c\u201d\u2013\u2026\u2212\u00d7\u20ac\u017d\u0161\u0142",
}
LICENCE = 13  # the id of the licence among the names of the OpenType specification


@pytest.fixture(scope="module")
def font() -> TTFont:
    found = finders.find(NAME)
    assert found
    return TTFont(BytesIO(Path(found).read_bytes()))


def test_static_files_hold_it_packed_for_browsers(font: TTFont) -> None:
    assert font.flavor == "woff2"
    assert NAME in [name for finder in finders.get_finders() for name, _ in finder.list([])]


def test_it_shows_what_our_pages_say(font: TTFont) -> None:
    assert {chr(code) for code in font.getBestCmap()} >= SHOWN


def test_it_has_both_weights_and_no_more(font: TTFont) -> None:
    assert [(axis.axisTag, axis.minValue, axis.maxValue) for axis in font["fvar"].axes] == [("wght", 400, 700)]


def test_figures_are_of_one_width(font: TTFont) -> None:
    names = font.getBestCmap()
    assert len({font["hmtx"][names[ord(figure)]][0] for figure in "0123456789"}) == 1


def test_it_names_its_licence(font: TTFont) -> None:
    assert "Open Font License" in font["name"].getDebugName(LICENCE)


def test_it_is_made_the_same_each_time(tmp_path: Path) -> None:
    write_font(tmp_path / "first")
    write_font(tmp_path / "second")
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
