"""The virtual environment `.venv`: made, filled and entered by the commands that need nothing but Python to start."""

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

# The commands that prepare themselves, and what each needs: every package with its hashes, made of the .txt beside it.
# Every other command takes what it finds.
REQUIREMENTS = {
    "up": "requirements-local.lock",
    "test": "tests/requirements.lock",
    "bench": "tests/requirements.lock",
    "screenshots": "tests/requirements.lock",
}
CONSOLE_ONLY = "requirements.lock"  # without the local stack


def enter(argv: list[str]) -> None:
    """Go on inside `.venv`: return when already there, else replace this process by the same command in there.

    A command of REQUIREMENTS makes and fills `.venv` first, and `up` its data folder. Any other runs where Django
    is, so that an image with everything installed needs no second copy. Ends the program with one line about what
    only a person can put right.
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
    """Make what *command* needs and has not got, *needs* its packages; raises SetupError or OSError when that fails."""
    if command in REQUIREMENTS:
        fill(needs)
    elif not is_django_here() and not is_made():
        raise SetupError("Nothing is installed yet. Start with: python3 manage.py up")
    if command == "up":
        os.umask(0o077)  # before the first file of the data folder, and for every process that `up` starts
        DataFolder(Path(os.environ.get("BATCHCONSOLE_DATA_DIR", ROOT / "var")).resolve()).prepare()


def data_dir_to_environment(argv: list[str]) -> None:
    """Hand `--data-dir` on by the environment: Django reads its settings before a command sees its options."""
    for argument, following in zip(argv, [*argv[1:], ""], strict=True):
        name, equals, value = argument.partition("=")
        if name == "--data-dir" and (folder := value if equals else following):
            os.environ["BATCHCONSOLE_DATA_DIR"] = os.path.abspath(folder)


def fill(requirements: str) -> None:
    """Make `.venv` unless a working one is there, and install *requirements* unless that very text was installed."""
    with alone():
        if not is_made():
            make()
        if installed().get(requirements) != fingerprint(requirements):
            install(requirements)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Let one process at a time prepare: `up` and `test` may be started together in a fresh clone."""
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
    """The fingerprint of each requirements file that was installed to its end."""
    try:
        return dict(json.loads(STAMP.read_text()))
    except (FileNotFoundError, ValueError):
        return {}


def fingerprint(requirements: str) -> str:
    """A hash of *requirements*, in which nothing is left open."""
    return hashlib.sha256((ROOT / requirements).read_bytes()).hexdigest()


def is_made() -> bool:
    """Whether `.venv` has a Python that exists and a pip: an interrupted start leaves less, a removed Python too."""
    return PYTHON.exists() and any(VENV.glob("lib/python*/site-packages/pip/__main__.py"))


def is_inside() -> bool:
    return Path(sys.prefix).resolve() == VENV.resolve()


def is_django_here() -> bool:
    return importlib.util.find_spec("django") is not None


def say(line: str) -> None:
    print(line, flush=True)
