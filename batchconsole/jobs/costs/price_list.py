"""Import batch prices from AWS's Price List: match its names with the catalogue and store its rows as ours."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import groupby
from typing import Any

import msgspec
from django.db import transaction

from batchconsole.aws.pricing import TokenPrice, list_batch_prices, read_product
from batchconsole.aws.session import Target
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import ModelPrice, utc_today
from batchconsole.records import catalogue
from batchconsole.records.catalogue import Model

HOW_TO_GET = (
    "Save the answer of “aws pricing get-products --service-code AmazonBedrock”, or of AmazonBedrockFoundationModels "
    "for Claude, or the index.json of such a service and region from AWS's bulk price list."
)
Amounts = dict[str, Decimal]  # by direction, input or output

# The parts of an id after the model's name: its version and its date.
_ID_TAIL = re.compile(r"(-20\d{6})?(-v\d+|-\d+(?=:))?(:\d+)?$")


class ListedPrice(msgspec.Struct, frozen=True, kw_only=True):
    """Input and output price of one model in one region, USD per million tokens; ``profile`` as in ModelPrice."""

    model_id: str
    region: str
    profile: str
    input: Decimal
    output: Decimal


class Taken(msgspec.Struct, kw_only=True):
    """What a list says: the prices as of a day, and the names that could not be used."""

    as_of: date
    prices: list[ListedPrice] = msgspec.field(default_factory=list)
    unknown: list[str] = msgspec.field(default_factory=list)
    incomplete: list[str] = msgspec.field(default_factory=list)

    @property
    def models(self) -> list[str]:
        return sorted({price.model_id for price in self.prices})


def take_prices(target: Target, region: str) -> Taken:
    """Read the region's batch prices and store them with today's date. Raises :class:`AwsError`."""
    taken = read_prices(target, region)
    store_prices(taken)
    return taken


def read_prices(target: Target, region: str) -> Taken:
    """Return the region's batch prices of today, and store nothing. Raises :class:`AwsError`."""
    return _taken(list_batch_prices(target, region), utc_today())


def read_price_file(data: bytes, regions: Collection[str]) -> Taken:
    """Return the batch prices of *regions* in a file, of the day on which AWS published it; store nothing.

    The file is the JSON of a service from AWS's bulk API, or the answer of ``aws pricing get-products``. Raises
    :class:`UserError`. https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-an-offer.html
    """
    try:
        found = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=dict[str, Any])
        products = list(_products_of(found))
        rows = [row for product in products for row in read_product(product)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, AttributeError, TypeError, ValueError) as error:
        raise UserError("This is no price list in JSON, or not in AWS's form.", "file", HOW_TO_GET) from error
    mine = [row for row in rows if row.region in regions]
    if not mine:
        others = ", ".join(sorted({row.region for row in rows})) or "none"
        where = f"of a connection's region ({', '.join(sorted(regions))}); its regions are: {others}"
        raise UserError(f"The file has no batch price {where}.", "file", HOW_TO_GET)
    published = max((str(each.get("publicationDate", ""))[:10] for each in (found, *products)), default="")
    return _taken(mine, _day(published))


def _products_of(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the entries of a file in the shape of ``PriceList``."""
    for entry in found.get("PriceList", []):
        yield msgspec.json.decode(entry, type=dict[str, Any]) if isinstance(entry, str) else entry
    terms = found.get("terms", {}).get("OnDemand", {})
    for sku, product in found.get("products", {}).items():
        yield {"product": product, "terms": {"OnDemand": terms.get(sku, {})}}


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return utc_today()


def _taken(rows: Iterable[TokenPrice], as_of: date) -> Taken:
    taken = Taken(as_of=as_of)
    for (model, region), by_profile in _by_model(rows, taken).items():
        whole = {profile: amounts for profile, amounts in by_profile.items() if len(amounts) == 2}
        for profile, amounts in whole.items():
            named = ModelPrice.Profile.ANY if len(whole) == 1 else profile
            taken.prices.append(ListedPrice(model_id=model, region=region, profile=str(named), **amounts))
        if not whole:
            taken.incomplete.append(model)
    return taken


def _by_model(rows: Iterable[TokenPrice], taken: Taken) -> dict[tuple[str, str], dict[str, Amounts]]:
    """Return the amounts by model id and region, then profile; note the names that the catalogue does not have."""
    found: defaultdict[tuple[str, str], defaultdict[str, Amounts]] = defaultdict(lambda: defaultdict(dict))
    unknown = set()
    for row in rows:
        model = model_named(row)
        if model is None:
            unknown.add(row.model or row.usage_name)
            continue
        amounts = found[model.model_id, row.region][_profile(row)]
        amounts[row.direction] = row.usd_per_million
        if "TEXT" not in model.output_modalities:  # an embedding model has no output tokens to pay for
            amounts.setdefault("output", Decimal(0))
    taken.unknown = sorted(unknown)
    return {key: dict(profiles) for key, profiles in found.items()}


def _profile(row: TokenPrice) -> str:
    return str(ModelPrice.Profile.GLOBAL if row.is_global else ModelPrice.Profile.OTHER)


def store_prices(taken: Taken) -> None:
    """Store the prices: a model's earlier rows from the Price List are replaced, an administrator's rows are kept."""
    listed = ModelPrice.objects.filter(source=ModelPrice.Source.PRICE_LIST)
    with transaction.atomic():
        for (model_id, region), prices in groupby(taken.prices, key=lambda price: (price.model_id, price.region)):
            by_profile = {price.profile: price for price in prices}
            for row in listed.filter(model_id=model_id, region=region).exclude(profile__in=by_profile):
                row.delete()
            for profile, price in by_profile.items():
                listed.update_or_create(
                    model_id=model_id,
                    region=region,
                    profile=profile,
                    source=ModelPrice.Source.PRICE_LIST,
                    defaults={
                        "input_usd_per_million": price.input,
                        "output_usd_per_million": price.output,
                        "as_of": taken.as_of,
                    },
                )


def model_named(row: TokenPrice) -> Model | None:
    """Return the catalogue's model for a Price List row, by its id, its printed name, or its name in the usage type."""
    known = catalogue.find_model(row.model_id)
    if known:
        return known
    names = _names()
    spoken = (_plain(name) for name in (row.model_id.partition(".")[2], row.model, row.usage_name))
    return next((names[name] for name in spoken if name in names), None)


@cache
def _names() -> dict[str, Model]:
    """Return every model by its plain name and by its id without provider, version and date; names take precedence."""
    names: dict[str, Model] = {}
    for model in catalogue.models():
        names.setdefault(_plain(model.name), model)
    for model in catalogue.models():
        tail = model.model_id.partition(".")[2]
        names.setdefault(_plain(tail), model)
        names.setdefault(_plain(_ID_TAIL.sub("", tail)), model)
    return names


def _plain(name: str) -> str:
    """Return only letters and digits, so that ``Nova 2.0 Lite`` equals ``nova-2-lite``; ``Instruct`` is dropped."""
    return re.sub(r"[^a-z0-9]|\.0\b|instruct", "", name.lower())
