"""``manage.py jobs``: the client's verbs on jobs, which the command ``batchconsole`` has as well."""

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from batchconsole.client.main import main


class Command(BaseCommand):
    help = "Create, follow, order, repeat and stop jobs, and print results, through the JSON API: see docs/programs.md."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("arguments", nargs=argparse.REMAINDER, help="As those of: batchconsole jobs")

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(main(["jobs", *options["arguments"]]))
