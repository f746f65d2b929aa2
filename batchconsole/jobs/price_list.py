"""Import batch prices from AWS's Price List: match its names with the catalogue and store its rows as ours."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

from django.db import transaction

from batchconsole.aws.pricing import TokenPrice, list_batch_prices
from batchconsole.aws.session import Target
from batchconsole.jobs.models import ModelPrice, utc_today
from batchconsole.records import catalogue
from batchconsole.records.catalogue import Model

Amounts = dict[str, Decimal]  # by direction, input or output

# The parts of an id after the model's name: its version and its date.
_ID_TAIL = re.compile(r"(-20\d{6})?(-v\d+|-\d+(?=:))?(:\d+)?$")


@dataclass
class Taken:
    """The outcome of reading one region's list: models with a new price, and names that could not be used."""

    region: str
    models: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)


def take_prices(target: Target, region: str) -> Taken:
    """Read the region's batch prices and store them with today's date. Raises :class:`AwsError`.

    A model's earlier rows from the Price List are replaced; an administrator's rows are kept.
    """
    taken = Taken(region)
    for model, by_profile in _by_model(list_batch_prices(target, region), taken).items():
        whole = {profile: amounts for profile, amounts in by_profile.items() if len(amounts) == 2}
        if whole:
            _store(model, region, whole)
            taken.models.append(model)
        else:
            taken.incomplete.append(model)
    return taken


def _by_model(rows: Iterable[TokenPrice], taken: Taken) -> dict[str, dict[str, Amounts]]:
    """Return input and output price by model id and profile; note the names that the catalogue does not have."""
    found: defaultdict[str, defaultdict[str, Amounts]] = defaultdict(lambda: defaultdict(dict))
    unknown = set()
    for row in rows:
        model = model_named(row)
        if model is None:
            unknown.add(row.model or row.usage_name)
            continue
        amounts = found[model.model_id][_profile(row)]
        amounts[row.direction] = row.usd_per_million
        if "TEXT" not in model.output_modalities:  # an embedding model has no output tokens to pay for
            amounts.setdefault("output", Decimal(0))
    taken.unknown = sorted(unknown)
    return {model: dict(profiles) for model, profiles in found.items()}


def _profile(row: TokenPrice) -> str:
    return str(ModelPrice.Profile.GLOBAL if row.is_global else ModelPrice.Profile.OTHER)


def _store(model_id: str, region: str, by_profile: dict[str, Amounts]) -> None:
    only = len(by_profile) == 1
    rows = [
        ModelPrice(
            model_id=model_id,
            region=region,
            profile=ModelPrice.Profile.ANY if only else profile,
            input_usd_per_million=amounts["input"],
            output_usd_per_million=amounts["output"],
            as_of=utc_today(),
            source=ModelPrice.Source.PRICE_LIST,
        )
        for profile, amounts in by_profile.items()
    ]
    with transaction.atomic():
        ModelPrice.objects.filter(model_id=model_id, region=region, source=ModelPrice.Source.PRICE_LIST).delete()
        ModelPrice.objects.bulk_create(rows)


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
