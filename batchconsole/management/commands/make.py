"""``manage.py make``: make an input of a table in S3, as the client does."""

from typing import ClassVar

from batchconsole.management.commands._client import ClientCommand


class Command(ClientCommand):
    help = "Make an input of a table in S3 through the JSON API, and wait until it is written: see docs/programs.md."
    begins: ClassVar = ["make"]
