"""``manage.py sign_in_link``: print a link that signs a user in once, within ten minutes."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from batchconsole.datafolder import DataFolder
from batchconsole.up.preparation import ADMIN, link_of


class Command(BaseCommand):
    help = "Prints a link that signs somebody in, once and within ten minutes. Whoever has it is that person."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", nargs="?", default=ADMIN, help="Whom it signs in (%(default)s).")
        parser.add_argument("--url", help="Where the console is; without it, where `up` runs it from this data folder.")
        parser.add_argument("--data-dir", help="The data folder (var).")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['username']}.")
        if not user.is_active:
            raise CommandError(f"The account of {user} is switched off, so no link signs in to it.")
        self.stdout.write(link_of(user, options["url"] or url_of_up(settings.DATA_FOLDER)))


def url_of_up(folder: DataFolder) -> str:
    """Return the URL of the console that `up` runs on *folder*. Raises CommandError if there is none."""
    try:
        return str(json.loads(folder.lock.read_text())["url"])
    except (OSError, ValueError, KeyError) as error:
        raise CommandError(
            f"No `manage.py up` is running on the data folder {folder.path}. Name the folder with --data-dir, or say "
            "where the console is with --url https://batch.example.com/."
        ) from error
