"""``manage.py access_table``: print the table in docs/access.md."""

from typing import Any

from django.core.management.base import BaseCommand

from batchconsole.access_table import as_markdown


class Command(BaseCommand):
    help = "Print who may open which URL, role by role, as docs/access.md has it."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(as_markdown(), ending="")
