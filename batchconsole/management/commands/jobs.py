"""``manage.py jobs``: the client's verbs on jobs."""

from typing import ClassVar

from batchconsole.management.commands._client import ClientCommand


class Command(ClientCommand):
    help = "Create, follow, order, repeat and stop jobs, and print results, through the JSON API: see docs/programs.md."
    begins: ClassVar = ["jobs"]
