"""The virtual environment `.venv`, created, filled and entered by the commands that need only Python to start."""

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from batchconsole.datafolder import DataFolder
from batchconsole.setup import apt, pip
from batchconsole.setup.errors import SetupError
from batchconsole.setup.paths import PYTHON, ROOT, STAMP, VENV

# The commands that prepare their environment, each with the lock file it needs: all packages with their hashes,
# compiled from the .txt file beside it. Every other command uses what is installed.
REQUIREMENTS = {
    "up": "requirements-local.lock",
    "test": "tests/requirements.lock",
    "bench": "tests/requirements.lock",
    "screenshots": "tests/requirements.lock",
}
CONSOLE_ONLY = "requirements.lock"  # without the local stack


def enter(argv: list[str]) -> None:
    """Continue inside `.venv`: return if this process runs there, else replace it with the same command in `.venv`.

    A command in REQUIREMENTS first creates and fills `.venv`, and `up` also creates its data folder. Any other command
    stays in an environment that has Django, so an image with everything installed needs no second copy. If the user
    has to fix something, exit with one line that says what.
    """
    command = argv[1] if len(argv) > 1 else ""
    data_dir_to_environment(argv)
    try:
        prepare(command, needs=CONSOLE_ONLY if "--no-local" in argv else REQUIREMENTS.get(command, ""))
    except SetupError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"Cannot be prepared: {error}")
    if not is_inside() and (command in REQUIREMENTS or not is_django_here()):
        os.execv(PYTHON, [str(PYTHON), *argv])


def prepare(command: str, *, needs: str) -> None:
    """Create what *command* lacks; *needs* is its lock file. Raises SetupError or OSError on failure."""
    if command in REQUIREMENTS:
        fill(needs)
    elif not is_django_here() and not is_made():
        raise SetupError("Nothing is installed yet. Start with: python3 manage.py up")
    if command == "up":
        os.umask(0o077)  # before the data folder's first file is created; all processes that `up` starts inherit it
        DataFolder(Path(os.environ.get("BATCHCONSOLE_DATA_DIR", ROOT / "var")).resolve()).prepare()


def data_dir_to_environment(argv: list[str]) -> None:
    """Pass `--data-dir` on in the environment, because Django reads its settings before a command sees its options."""
    for argument, following in zip(argv, [*argv[1:], ""], strict=True):
        name, equals, value = argument.partition("=")
        if name == "--data-dir" and (folder := value if equals else following):
            os.environ["BATCHCONSOLE_DATA_DIR"] = os.path.abspath(folder)


def fill(requirements: str) -> None:
    """Create `.venv` unless it works, and install *requirements* unless this version of the file is installed."""
    with alone():
        if not is_made():
            make()
        if installed().get(requirements) != fingerprint(requirements):
            install(requirements)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold a lock that lets one process prepare at a time: `up` and `test` may start together in a fresh clone."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def make() -> None:
    if importlib.util.find_spec("ensurepip") is None and not apt.install("python3-venv"):
        raise SetupError(
            "Python's venv module is incomplete here. On Debian or Ubuntu run: sudo apt install python3-venv"
        )
    say(f"Making .venv with Python {sys.version.split()[0]} ({sys.executable}).")
    pip.make_venv(VENV)


def install(requirements: str) -> None:
    say(f"Installing {requirements} into .venv. The first time takes about a minute.")
    pip.install("--require-hashes", "--requirement", str(ROOT / requirements))
    STAMP.write_text(json.dumps(installed() | {requirements: fingerprint(requirements)}))


def installed() -> dict[str, str]:
    """Return the fingerprint of each requirements file that was installed completely."""
    try:
        return dict(json.loads(STAMP.read_text()))
    except (FileNotFoundError, ValueError):
        return {}


def fingerprint(requirements: str) -> str:
    """Return a hash of the file *requirements*, which pins every package."""
    return hashlib.sha256((ROOT / requirements).read_bytes()).hexdigest()


def is_made() -> bool:
    """Whether `.venv` has a Python that still exists and a pip, which an interrupted start may not have installed."""
    return PYTHON.exists() and any(VENV.glob("lib/python*/site-packages/pip/__main__.py"))


def is_inside() -> bool:
    return Path(sys.prefix).resolve() == VENV.resolve()


def is_django_here() -> bool:
    return importlib.util.find_spec("django") is not None


def say(line: str) -> None:
    print(line, flush=True)
