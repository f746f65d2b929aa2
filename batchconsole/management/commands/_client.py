"""What the commands of ``manage.py`` have in common that are commands of the client."""

import argparse
import sys
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandParser

from batchconsole.client.main import main


class ClientCommand(BaseCommand):
    """A command of the client ``batchconsole``, with the arguments of that."""

    begins: ClassVar[list[str]] = []  # the client's arguments that the name of the command stands for

    def add_arguments(self, parser: CommandParser) -> None:
        said = " ".join(["batchconsole", *self.begins])
        parser.add_argument("arguments", nargs=argparse.REMAINDER, help=f"As those of: {said}")

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(main([*self.begins, *options["arguments"]]))
