"""`python3 manage.py load`: people and scripts at two web servers for a while, and what they got."""

import importlib
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

LOAD = "tests.benchmarks.load"


class Command(BaseCommand):
    help = "Drive people on pages and scripts on the API at real web servers; print rates, times, errors and memory."
    requires_system_checks: list[str] = []  # noqa: RUF012 - declared like this in Django

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--people", type=int, default=200, help="people on pages (%(default)s)")
        parser.add_argument("--scripts", type=int, default=50, help="scripts on the API (%(default)s)")
        parser.add_argument("--webs", type=int, default=2, help="web servers (%(default)s)")
        parser.add_argument("--seconds", type=float, default=600, help="how long (%(default)s)")
        parser.add_argument(
            "--think",
            type=float,
            default=10,
            metavar="SECONDS",
            help="how long people read a page, in the mean (%(default)s); 0: everybody asks again at once, scripts too",
        )
        parser.add_argument(
            "--poll", type=float, default=5, metavar="SECONDS", help="between two calls of a script (%(default)s)"
        )

    def handle(
        self, *, people: int, scripts: int, webs: int, seconds: float, think: float, poll: float, **options: Any
    ) -> None:
        load = importlib.import_module(LOAD)
        asked = load.Load(
            people=people, scripts=scripts, webs=webs, seconds=seconds, think=think, poll=poll if think else 0
        )
        lines = []
        for line in load.run(asked):
            self.stdout.write(line)
            lines.append(line)
        sys.exit(0 if all(" 0 errors" in line for line in lines if "errors" in line) else 1)
