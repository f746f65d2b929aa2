"""A Chromium for the browser tests, and the fonts that the tests name.

The order of preference: an installed headless shell, the headless shell from apt-get (on Debian as root), any other
installed Chromium, Playwright's own. The headless shell is the same engine without a user interface and needs half the
CPU time for the same pages.
"""

import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from batchconsole.setup import apt
from batchconsole.setup.errors import SetupError

SHELL = "chromium-headless-shell"  # the name of the command and of its Debian package
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The font file that the tests need from each package of Debian and Ubuntu.
FONTS = {"fonts-dejavu-core": "DejaVuSans.ttf", "fonts-liberation": "LiberationSans-Regular.ttf"}
FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path("~/.local/share/fonts").expanduser(),
    Path("/Library/Fonts"),
    Path("~/Library/Fonts").expanduser(),
)


def find_chromium() -> str | None:
    """Return the path of the system's browser, or None if there is none and Playwright has to use its own."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def ensure() -> None:
    """Install a browser and fonts where they are missing. Raises SetupError if no browser can be installed."""
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
    """Install missing fonts, or print what the tests leave out: pages work in any font, so this is not an error."""
    missing = missing_fonts(FOLDERS)
    if missing and not apt.install(*missing):
        print(f"Without {', '.join(missing)} the tests look at pages in fewer fonts.", flush=True)


def missing_fonts(folders: Iterable[Path]) -> list[str]:
    """Return the packages in FONTS whose font is in none of the *folders*, at any depth."""
    there = {file.name for folder in folders for file in folder.rglob("*.ttf")}
    return [package for package, file in FONTS.items() if file not in there]


def is_debian() -> bool:
    """Whether this is Debian, where apt has a Chromium package; Ubuntu's package only installs a snap."""
    try:
        return platform.freedesktop_os_release().get("ID") == "debian"
    except OSError:
        return False
