"""The console's font: Open Sans from its package, reduced to the characters that pages show and packed for browsers.

The repository does not contain it. It is built from the installed package when static files are first needed.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

PACKAGE = "fontpkg-open-sans"
NAME = "fonts/open-sans.woff2"
# Basic Latin, Latin-1, Latin Extended-A, accents, punctuation, currency and comparison signs.
CHARACTERS = (
    range(0x20, 0x7F), range(0xA0, 0x180), (0x2C6, 0x2DA, 0x2DC), range(0x2010, 0x2040), (0x20AC, 0x2122),
    (0x2212, 0x2248, 0x2260, 0x2264, 0x2265),
)  # fmt: skip
# Name IDs of the OpenType specification: keep the copyright, family, style, version and licence.
NAME_IDS = (0, 1, 2, 3, 4, 5, 6, 13, 14)
AXES = {"wdth": 100, "wght": (400, 700)}  # one width, and all weights from regular to bold
RECIPE = repr((CHARACTERS, NAME_IDS, AXES, version(PACKAGE), version("fonttools")))


class WebFontFinder(BaseFinder):
    """A static files finder for the font, which is built on demand and lies in no folder of the repository."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.storage = FileSystemStorage(settings.BUILT_STATIC / hashlib.sha256(RECIPE.encode()).hexdigest()[:16])

    def check(self, **_: Any) -> list[Any]:
        return []

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        self.path()
        yield NAME, self.storage

    def find(self, path: str, find_all: bool = False, **_: Any) -> Any:
        """Return the path of the font on disk (in a list for *find_all*), or an empty list for any other file."""
        if path != NAME:
            return []
        return [self.path()] if find_all else self.path()

    def path(self) -> str:
        """Return the path of the font, building it first if it is missing."""
        target = Path(self.storage.path(NAME))
        if not target.exists():
            write_whole(target, write_font)
        return str(target)


def write_font(target: Path) -> None:
    """Write the font to *target*: about 25 kB, always the same bytes for the same package."""
    source = files("fontpkg_open_sans").joinpath("files/OpenSans[wdth,wght].ttf")
    with source.open("rb") as file:
        font = TTFont(file, recalcTimestamp=False)
        subsetter = Subsetter(Options(name_IDs=list(NAME_IDS), hinting=False, notdef_outline=True))
        subsetter.populate(unicodes=[code for part in CHARACTERS for code in part])
        subsetter.subset(font)
        font = instancer.instantiateVariableFont(font, AXES)
        font.flavor = "woff2"
        font.save(target)


def write_whole(target: Path, write: Callable[[Path], object]) -> None:
    """Write *target* atomically: *write* fills a temporary file, because two processes may write at the same time."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent)
    os.close(handle)
    write(Path(name))
    Path(name).chmod(0o644)
    Path(name).replace(target)
