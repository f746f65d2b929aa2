"""A Chromium for the browser tests: the system's, else apt-get's when we are root, else Playwright's own."""

import platform
import shutil
import subprocess
import sys

from batchconsole.setup import apt
from batchconsole.setup.errors import SetupError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """The system's browser, or None: then Playwright uses the one it installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def ensure() -> None:
    """Install a browser unless there is one; raises SetupError when that fails."""
    if find() or (is_debian() and apt.install("chromium", "fonts-liberation") and find()):
        return
    print("Fetching Playwright's Chromium.", flush=True)
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    if subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode:
        raise SetupError("No Chromium could be installed for the browser tests. Install one, then start again.")


def is_debian() -> bool:
    """Whether apt has Chromium as a package; on Ubuntu it has only a pointer to a snap."""
    try:
        return platform.freedesktop_os_release().get("ID") == "debian"
    except OSError:
        return False
