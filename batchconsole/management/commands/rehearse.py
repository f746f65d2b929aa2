"""`python3 manage.py rehearse`: a release is exchanged for this one on two hosts, under load, without a loss."""

import importlib
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

REHEARSAL = "tests.rehearsal.rehearsal"


class Command(BaseCommand):
    help = "Run two hosts as network namespaces, and exchange a release for this code, process by process, under load."
    requires_system_checks: list[str] = []  # noqa: RUF012 - declared like this in Django

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--release", default="", help="the commit to begin with; without one, this code")

    def handle(self, *, release: str, **options: Any) -> None:
        rehearsal = importlib.import_module(REHEARSAL)
        lines = []
        with TemporaryDirectory(prefix="batchconsole-rehearsal-") as folder:
            try:
                for line in rehearsal.rehearse(release, Path(folder)):
                    self.stdout.write(line)
                    lines.append(line)
            except rehearsal.Unrehearsed as error:
                raise CommandError(str(error)) from error
        sys.exit(0 if all(" 0 lost" in line for line in lines if " lost" in line) else 1)
