"""`python3 manage.py test`: the whole suite, with everything it needs installed first."""

import subprocess
import sys

from django.core.management.base import BaseCommand

from batchconsole.setup import chromium, clients
from batchconsole.setup.errors import SetupError
from batchconsole.setup.paths import ROOT

# Files go to several processes, each with a local stack of its own: two cores are enough to halve the time.
WHOLE = ("--numprocesses=logical", "--maxprocesses=4", "--dist=loadfile")


class Command(BaseCommand):
    help = "Install what the tests need, then run all of them, or what the arguments say to pytest."

    def run_from_argv(self, argv: list[str]) -> None:
        """Hand every argument on as it is: they are pytest's, not Django's."""
        try:
            chromium.ensure()
            clients.ensure()
        except SetupError as error:
            sys.exit(str(error))
        arguments = argv[2:] or WHOLE
        sys.exit(subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=ROOT, check=False).returncode)
