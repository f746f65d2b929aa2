"""`python3 manage.py test`: install what the tests need and run the whole suite."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from django.core.management.base import BaseCommand

from batchconsole.setup import chromium, clients
from batchconsole.setup.errors import SetupError
from batchconsole.setup.paths import ROOT

MOST_PROCESSES = 4  # each has its own local stack and browser


class Command(BaseCommand):
    help = "Install what the tests need, then run all of them, or what the arguments say to pytest."

    def run_from_argv(self, argv: list[str]) -> None:
        """Pass all arguments on unchanged: they are for pytest, not for Django."""
        try:
            install()
        except SetupError as error:
            sys.exit(str(error))
        arguments = argv[2:] or whole()
        command = [sys.executable, "-m", "pytest", *arguments]
        sys.exit(subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode)


def environment() -> dict[str, str]:
    """Return this environment with bytecode caching on, so the many Python processes of the tests start faster."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def install() -> None:
    """Install what is missing, in parallel, because most of it waits for the network. Raises SetupError on failure."""
    parts = (
        chromium.ensure,
        clients.ensure_awscli,
        clients.ensure_botocore,
        clients.ensure_schemathesis,
        clients.ensure_javascript,
    )
    with ThreadPoolExecutor(len(parts)) as pool:
        for part in [pool.submit(part) for part in parts]:
            part.result()


def whole() -> list[str]:
    """Return pytest's options for the whole suite: whole files, ordered by tests/conftest.py, over several processes.

    Tests wait for other processes much of the time, so there are two processes more than there are CPUs.
    """
    processes = min((os.cpu_count() or 1) + 2, MOST_PROCESSES)
    return [f"--numprocesses={processes}", "--dist=loadfile", "--no-loadscope-reorder"]
