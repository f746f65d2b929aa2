"""``manage.py client``: every command of the client, such as ``manage.py client check FILE``."""

from batchconsole.management.commands._client import ClientCommand


class Command(ClientCommand):
    help = "Run a command of batchconsole, the client of the JSON API: see docs/programs.md."
