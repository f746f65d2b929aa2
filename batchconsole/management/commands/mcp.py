"""``manage.py mcp``: the client's verbs as tools of the Model Context Protocol, on standard input and output."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from batchconsole.client.main import main


class Command(BaseCommand):
    help = "Serve the verbs of the JSON API as tools of the Model Context Protocol: see docs/programs.md."

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(main(["mcp"]))
