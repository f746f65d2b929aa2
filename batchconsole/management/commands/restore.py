"""``manage.py restore FILE``: restore a backup into an empty console."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from batchconsole.backups import BackupError, restore_backup


class Command(BaseCommand):
    """The ``restore`` command."""

    help = "Read what `backup` wrote into an empty console. End the console that the backup was made of first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the file that `backup` wrote")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            restore_backup(options["file"])
        except (BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write("Restored. Start the console: its jobs go on.")
