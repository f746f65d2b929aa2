"""``manage.py backup FILE``: write the console's whole state to one file, while it runs."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from batchconsole.backups import BackupError, make_backup


class Command(BaseCommand):
    """The ``backup`` command."""

    help = "Write the database, the secret key and the waiting uploads into one file. The console may run meanwhile."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the new file, such as console-2026-11-30.tar.gz; it holds secrets")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            make_backup(options["file"])
        except (BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Backed up into {options['file']}. Whoever can read it is signed in as everybody: keep it safe."
        )
