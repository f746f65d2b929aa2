"""`python3 manage.py test`: the whole suite, with everything it needs installed first."""

import subprocess
import sys

from django.core.management.base import BaseCommand

from batchconsole.setup import chromium, clients
from batchconsole.setup.errors import SetupError
from batchconsole.setup.paths import ROOT


class Command(BaseCommand):
    help = "Install what the tests need, then run all of them, or what the arguments say to pytest."

    def run_from_argv(self, argv: list[str]) -> None:
        """Hand every argument on as it is: they are pytest's, not Django's."""
        try:
            chromium.ensure()
            clients.ensure()
        except SetupError as error:
            sys.exit(str(error))
        sys.exit(subprocess.run([sys.executable, "-m", "pytest", *argv[2:]], cwd=ROOT, check=False).returncode)
