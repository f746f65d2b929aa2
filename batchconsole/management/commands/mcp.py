"""``manage.py mcp``: the client's verbs as tools of the Model Context Protocol, on standard input and output."""

from typing import ClassVar

from batchconsole.management.commands._client import ClientCommand


class Command(ClientCommand):
    help = "Serve the verbs of the JSON API as tools of the Model Context Protocol: see docs/programs.md."
    begins: ClassVar = ["mcp"]
