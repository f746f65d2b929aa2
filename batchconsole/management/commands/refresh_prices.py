"""``manage.py refresh_prices``: store AWS's published batch prices in the database, with today's date."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from batchconsole.aws.errors import AwsError
from batchconsole.jobs.costs.price_list import Taken, take_prices
from batchconsole.jobs.costs.prices import price_the_unpriced
from batchconsole.jobs.models import Connection


class Command(BaseCommand):
    help = (
        "Reads the batch prices of every enabled connection's region from AWS's Price List and stores them. "
        "Prices set in the administration stand over them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--connection", help="Whose credentials to use. Without it, the first enabled connection to AWS itself."
        )
        parser.add_argument("--region", action="append", help="A region to read, instead of the connections' own.")

    def handle(self, *args: Any, **options: Any) -> None:
        target = _connection(options["connection"]).target
        regions = options["region"] or sorted(set(Connection.objects.enabled().values_list("region", flat=True)))
        for region in regions:
            try:
                self.report(region, take_prices(target, region))
            except AwsError as error:
                raise CommandError(f"{region}: {error.message} {error.hint}".strip()) from error
        self.stdout.write(f"Jobs that had no known price and now have a cost: {price_the_unpriced()}")

    def report(self, region: str, taken: Taken) -> None:
        self.stdout.write(f"{region}: batch prices of {len(taken.models)} models stored.")
        if taken.incomplete:
            self.stdout.write(f"  Without both an input and an output price: {', '.join(sorted(taken.incomplete))}")
        if taken.unknown:
            self.stdout.write(f"  Not in this version's catalogue: {', '.join(taken.unknown)}")


def _connection(name: str | None) -> Connection:
    connections = Connection.objects.enabled()
    found: Connection | None = (connections.filter(name=name) if name else connections.filter(endpoint_url="")).first()
    if found is None:
        wanted = f"named {name}" if name else "to AWS itself"
        raise CommandError(f"There is no enabled connection {wanted}. Its credentials are needed to read the prices.")
    return found
