"""`python3 manage.py chaos`: kill the processes of a busy console at random, then check that every promise was kept."""

import importlib
import random
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

STAGE = "tests.chaos.stage"


class Command(BaseCommand):
    help = "Drive a console of its own, kill its processes at random, and check that no job was lost or doubled."
    requires_system_checks: list[str] = []  # noqa: RUF012 - declared like this in Django

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--minutes", type=float, default=10, help="how long processes are killed (%(default)s)")
        parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite", help="(%(default)s)")
        parser.add_argument("--seed", type=int, help="of everything random (a new one, which is printed)")

    def handle(self, *, minutes: float, database: str, seed: int | None, **options: Any) -> None:
        stage = importlib.import_module(STAGE)
        chosen = random.SystemRandom().randrange(10**6) if seed is None else seed
        self.stdout.write(f"chaos on {database} for {minutes:g} minutes, seed {chosen}")
        sys.exit(stage.run(stage.Asked(minutes=minutes, database=database, seed=chosen)))
