"""pip and venv as child processes, with errors that explain failures."""

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
    """Create a virtual environment at *folder*, replacing what is there; *options* are passed to Python's venv."""
    if shutil.disk_usage(ROOT).free < NEEDED_BYTES:
        raise SetupError(f"Too little disk space: {ROOT} needs {NEEDED_BYTES / 1e9:.1f} GB free.")
    child([sys.executable, "-m", "venv", "--clear", *options, str(folder)])


def install(*arguments: str, into: Path | None = None) -> None:
    """Install into `.venv`, or into the environment of the Python *into*, which needs no pip.

    Modules are not compiled, because Python does that on first import. Most are never imported, and compiling them all
    takes a third of the installation time.
    """
    run_pip(*(["--python", str(into)] if into else []), "install", "--no-compile", *arguments)


def run_pip(*arguments: str) -> None:
    """Run the pip of `.venv`. Raises SetupError if it fails."""
    child([str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", *arguments])


def child(command: list[str]) -> None:
    environment = os.environ | {"PIP_USER": "0"}  # pip refuses a default of --user inside a virtual environment
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SetupError(explain(done.stdout + done.stderr))


def explain(output: str) -> str:
    """Explain a failure in one or two sentences if the cause is known, else with the last lines of *output*."""
    if NO_SPACE.search(output):
        return f"The disk is full: free {NEEDED_BYTES / 1e9:.1f} GB for {ROOT} and start again."
    if NO_NETWORK.search(output):
        return "The package index cannot be reached: the first start needs a network. Connect, or set PIP_INDEX_URL."
    return "Installing failed:\n" + "\n".join(output.strip().splitlines()[-15:])
