"""pip and venv as child processes, with their failures in one sentence."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from batchconsole.setup.errors import SetupError
from batchconsole.setup.paths import PYTHON, ROOT

NEEDED_BYTES = 1_500_000_000  # .venv with the test tools, the model, and room for pip to unpack
NO_SPACE = re.compile(r"No space left on device|Disk quota exceeded")
NO_NETWORK = re.compile(
    r"name resolution|Name or service not known|nodename nor servname|Network is unreachable|Connection refused"
    r"|Connection reset|ConnectTimeout|ReadTimeout|timed out|Cannot connect to proxy|Max retries exceeded"
    r"|from versions: none"
)


def make_venv(folder: Path, *options: str) -> None:
    """Make a virtual environment at *folder*, in place of whatever is there; *options* are those of Python's venv."""
    if shutil.disk_usage(ROOT).free < NEEDED_BYTES:
        raise SetupError(f"Too little disk space: {ROOT} needs {NEEDED_BYTES / 1e9:.1f} GB free.")
    child([sys.executable, "-m", "venv", "--clear", *options, str(folder)])


def install(*arguments: str, into: Path | None = None) -> None:
    """Install into our environment, or into that of the Python *into*, which needs no pip of its own.

    Python compiles a module when it is first imported. Doing so for all of them takes a third of the time, for modules
    that mostly nobody imports.
    """
    run_pip(*(["--python", str(into)] if into else []), "install", "--no-compile", *arguments)


def run_pip(*arguments: str) -> None:
    """Run pip of our environment; raises SetupError when it fails."""
    child([str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", *arguments])


def child(command: list[str]) -> None:
    environment = os.environ | {"PIP_USER": "0"}  # a user's default of --user is refused inside a virtual environment
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SetupError(explain(done.stdout + done.stderr))


def explain(output: str) -> str:
    """What failed, in one sentence where the cause is known, else in the tool's own last words."""
    if NO_SPACE.search(output):
        return f"The disk is full: free {NEEDED_BYTES / 1e9:.1f} GB for {ROOT} and start again."
    if NO_NETWORK.search(output):
        return "The package index cannot be reached: the first start needs a network. Connect, or set PIP_INDEX_URL."
    return "Installing failed:\n" + "\n".join(output.strip().splitlines()[-15:])
