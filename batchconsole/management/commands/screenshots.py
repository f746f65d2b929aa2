"""`python3 manage.py screenshots`: take a picture of every page in every state: light, dark and narrow."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from batchconsole.setup import chromium
from batchconsole.setup.errors import SetupError
from batchconsole.setup.paths import ROOT

PICTURES = "tests/browser/pages/take_screenshots.py"


class Command(BaseCommand):
    help = "Take a picture of every page in every state, in light, dark and narrow, from a server with sample data."
    requires_system_checks: list[str] = []  # noqa: RUF012 - declared like this in Django

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--out", type=Path, default=ROOT / "var-screenshots", help="folder (%(default)s)")
        parser.add_argument("--only", default="", help="states with this in their name, such as job-list (all)")

    def handle(self, *, out: Path, only: str, **options: Any) -> None:
        try:
            chromium.ensure()
        except SetupError as error:
            sys.exit(str(error))
        command = [sys.executable, "-m", "pytest", PICTURES, "--screenshots", str(out.resolve()), "-k", only]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        if code == 0:
            self.stdout.write(f"The pictures are in {out}.")
        sys.exit(code)
