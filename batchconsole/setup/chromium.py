"""A Chromium for the browser tests: the system's, else apt-get's when we are root, else Playwright's own.

And the fonts that the tests name, whichever of them it is. Its headless shell comes first: the same engine without the
windows around it, which takes half the processor time for the same pages.
"""

import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from batchconsole.setup import apt
from batchconsole.setup.errors import SetupError

SHELL = "chromium-headless-shell"  # a command, and Debian's package of it
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The file of each font that the tests name, by the package of Debian and Ubuntu that has it.
FONTS = {"fonts-dejavu-core": "DejaVuSans.ttf", "fonts-liberation": "LiberationSans-Regular.ttf"}
FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path("~/.local/share/fonts").expanduser(),
    Path("/Library/Fonts"),
    Path("~/Library/Fonts").expanduser(),
)


def find_chromium() -> str | None:
    """The system's browser, or None: then Playwright uses the one it installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def ensure() -> None:
    """Install a browser unless there is one, and fonts that are missing; raises SetupError when there is no browser."""
    ensure_browser()
    ensure_fonts()


def ensure_browser() -> None:
    if shutil.which(SHELL) or (is_debian() and apt.install(SHELL, *missing_fonts(FOLDERS))) or find_chromium():
        return
    print("Fetching Playwright's Chromium.", flush=True)
    command = [sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]
    if subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode:
        raise SetupError("No Chromium could be installed for the browser tests. Install one, then start again.")


def ensure_fonts() -> None:
    """Install the fonts that are missing, or say what that means: pages are right in any font, so tests go on."""
    missing = missing_fonts(FOLDERS)
    if missing and not apt.install(*missing):
        print(f"Without {', '.join(missing)} the tests look at pages in fewer fonts.", flush=True)


def missing_fonts(folders: Iterable[Path]) -> list[str]:
    """The packages of FONTS of which no folder, however deep, holds the font."""
    there = {file.name for folder in folders for file in folder.rglob("*.ttf")}
    return [package for package, file in FONTS.items() if file not in there]


def is_debian() -> bool:
    """Whether apt has Chromium as a package; on Ubuntu it has only a pointer to a snap."""
    try:
        return platform.freedesktop_os_release().get("ID") == "debian"
    except OSError:
        return False
