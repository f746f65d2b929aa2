"""`python3 manage.py test`: the whole suite, with everything it needs installed first."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from django.core.management.base import BaseCommand

from batchconsole.setup import chromium, clients
from batchconsole.setup.errors import SetupError
from batchconsole.setup.paths import ROOT

MOST_PROCESSES = 4  # each has a local stack and a browser of its own


class Command(BaseCommand):
    help = "Install what the tests need, then run all of them, or what the arguments say to pytest."

    def run_from_argv(self, argv: list[str]) -> None:
        """Hand every argument on as it is: they are pytest's, not Django's."""
        try:
            install()
        except SetupError as error:
            sys.exit(str(error))
        arguments = argv[2:] or whole()
        command = [sys.executable, "-m", "pytest", *arguments]
        sys.exit(subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode)


def environment() -> dict[str, str]:
    """Ours, with bytecode kept: tests start some hundred Python processes, and each would compile every module anew."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def install() -> None:
    """Install what is missing, all at once, as most of it waits for a network; raises SetupError when that fails."""
    parts = (chromium.ensure, clients.ensure_awscli, clients.ensure_botocore, clients.ensure_javascript)
    with ThreadPoolExecutor(len(parts)) as pool:
        for part in [pool.submit(part) for part in parts]:
            part.result()


def whole() -> list[str]:
    """How to run everything: whole files, in the order of tests/conftest.py, each by the next process that is free.

    Half of their time tests wait for others, so there is one process more than there are processors.
    """
    processes = min((os.cpu_count() or 1) + 1, MOST_PROCESSES)
    return [f"--numprocesses={processes}", "--dist=loadfile", "--no-loadscope-reorder"]
