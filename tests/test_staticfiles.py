"""Static files are compressed only once, whatever data folders they are collected into."""

import gzip
from pathlib import Path

import pytest
from pytest_django import Settings

from batchconsole.staticfiles import KeepingCompressor

CONTENT = b"body { color: black; }\n" * 50


@pytest.fixture
def kept(settings: Settings, tmp_path: Path) -> Path:
    settings.BUILT_STATIC = tmp_path / "built"
    return tmp_path / "built" / "compressed"


def compress(file: Path) -> dict[str, bytes]:
    """Write *file*, compress it, and return the contents of the compressed files by suffix."""
    file.write_bytes(CONTENT)
    return {Path(path).suffix: Path(path).read_bytes() for path in KeepingCompressor(quiet=True).compress(str(file))}


def test_the_same_content_is_compressed_once(kept: Path, tmp_path: Path) -> None:
    first = compress(tmp_path / "first.css")
    for file in kept.iterdir():
        file.write_bytes(b"as it was left")
    assert set(compress(tmp_path / "second.css").values()) == {b"as it was left"}
    assert gzip.decompress(first[".gz"]) == CONTENT


def test_it_is_compressed_for_every_kind_of_browser(kept: Path, tmp_path: Path) -> None:
    assert set(compress(tmp_path / "a.css")) == {".br", ".gz"}
