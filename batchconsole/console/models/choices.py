"""Models to choose from: the catalog, the region's offer, prices, and why a model can't be chosen."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from itertools import groupby

from batchconsole.console.kit.amounts import exact_decimals
from batchconsole.jobs.costs.prices import price_for
from batchconsole.jobs.model_rules import serves
from batchconsole.jobs.models import BatchJob, ModelPrice
from batchconsole.jobs.offered_models import FoundationModel, InferenceProfile, OfferedModels
from batchconsole.records import catalogue, prices
from batchconsole.records.catalogue import Model
from batchconsole.records.geographies import geography_of
from batchconsole.records.prices import Price

# Descriptions of what a model rejects; any other value is the name of a parameter.
REFUSED = {
    "prefill": "A conversation that ends with the assistant (prefill)",
    "temperature+top_p": "temperature and top_p together",
    "thinking.enabled": "thinking with a budget of tokens",
    "thinking.adaptive": "adaptive thinking",
    "output_schema": "an output schema (AWS does not list the model for structured outputs)",
}

PROFILE_LABEL = "Inference profile: "


@dataclass(frozen=True)
class InferenceType:
    """One id that a model can be invoked by."""

    model_id: str
    label: str


class Priced:
    """Something with a price, or None if the price is unknown."""

    price: Price | None

    @property
    def input_price(self) -> Decimal | None:
        return self.price.input_usd_per_million if self.price else None

    @property
    def output_price(self) -> Decimal | None:
        return self.price.output_usd_per_million if self.price else None


@dataclass(frozen=True)
class ModelChoice(Priced):
    """One model in the picker. ``obstacle`` says why it can't be chosen; empty if it can."""

    model: Model
    price: Price | None
    inference_types: tuple[InferenceType, ...]
    obstacle: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(kind.model_id for kind in self.inference_types)

    @property
    def support(self) -> str:
        """The text of the Batch inference column."""
        if not self.model.batch:
            return "Not supported"
        return self.obstacle or "Supported"

    @property
    def scopes(self) -> str:
        """The inference types in short form: ``On-demand, US, Global``."""
        return ", ".join(kind.label.removeprefix(PROFILE_LABEL) for kind in self.inference_types)

    @property
    def direction(self) -> str:
        """The input and output modalities: ``text, image → text``."""
        model = self.model
        return f"{', '.join(model.input_modalities)} → {', '.join(model.output_modalities)}".lower()

    @property
    def modalities(self) -> list[str]:
        """The modalities as filter values: ``Image input``, ``Embedding output``."""
        ways = ((self.model.input_modalities, "input"), (self.model.output_modalities, "output"))
        return [f"{name.capitalize()} {way}" for names, way in ways for name in names]

    @property
    def refused(self) -> list[str]:
        """Descriptions of what the model's own checks reject in a record."""
        return [REFUSED.get(name, name) for name in self.model.refuses]

    @property
    def text(self) -> str:
        """The text that the search matches."""
        return " ".join([self.model.name, self.model.provider, self.model.model_id, *self.ids]).lower()


def model_choices(region: str, offered: OfferedModels) -> list[ModelChoice]:
    """Return every model of the catalog, and the region's models that the catalog does not know yet."""
    known = catalogue.models()
    newer = [_newer(model) for bare, model in offered.names.items() if catalogue.find_model(bare) is None]
    priced_here = set(
        ModelPrice.objects.filter(lane=BatchJob.Lane.BATCH).values_list("model_id", flat=True)
    )  # one query for all models
    return [_choice(model, region, offered, is_priced_here=model.model_id in priced_here) for model in (*known, *newer)]


def _newer(model: FoundationModel) -> Model:
    """Return a model that is newer than this version's catalog. Only AWS knows whether it supports batch inference."""
    return Model(
        model_id=model.model_id,
        name=model.model_name or model.model_id,
        provider=model.provider_name or "Other",
        family="",
        input_modalities=model.input_modalities,
        output_modalities=model.output_modalities,
        batch=True,
        on_demand="ON_DEMAND" in model.inference_types or not model.inference_types,
        inference_profiles=(),
        max_output_tokens=None,
        regions=(),
        refuses=(),
    )


def _choice(model: Model, region: str, offered: OfferedModels, *, is_priced_here: bool) -> ModelChoice:
    find = price_for if is_priced_here else prices.find_price
    kinds = tuple(_inference_types(model, region, offered))
    return ModelChoice(model, find(model.model_id, region), kinds, _obstacle(model, region, offered, kinds))


def _inference_types(model: Model, region: str, offered: OfferedModels) -> Iterator[InferenceType]:
    if model.on_demand:
        yield InferenceType(model.model_id, "On-demand")
    own = {profile.inference_profile_id for profile in offered.profiles if _is_for(profile, model)}
    for profile_id in dict.fromkeys([*model.inference_profiles, *sorted(own)]):
        if serves(profile_id, region) and (
            not offered.known or profile_id in own or model.model_id in offered.model_ids
        ):
            yield InferenceType(profile_id, f"{PROFILE_LABEL}{_scope(profile_id)}")


def _is_for(profile: InferenceProfile, model: Model) -> bool:
    return any(arn.endswith(f"/{model.model_id}") for arn in profile.model_arns)


def _scope(profile_id: str) -> str:
    geography = geography_of(profile_id)
    return geography.name if geography else "application"


def _obstacle(model: Model, region: str, offered: OfferedModels, kinds: tuple[InferenceType, ...]) -> str:
    if not model.batch:
        return "Batch inference is not supported."
    if offered.known and model.model_id not in offered.model_ids:
        return f"Not offered in {region}."
    if not offered.known and model.regions and region not in model.regions:
        return f"Not known to be offered in {region}."
    if not kinds:
        return f"It can be invoked only through an inference profile, and none serves {region}."
    return ""


@dataclass(frozen=True)
class PricedType(Priced):
    """One way to invoke a model and its batch price, if known."""

    label: str
    model_id: str
    price: Price | None


@dataclass(frozen=True)
class ModelPrices:
    """The prices of one model, shown with the same number of decimals."""

    rows: list[PricedType]

    @property
    def decimals(self) -> int:
        return exact_decimals(price for row in self.rows for price in (row.input_price, row.output_price))


def model_prices(choice: ModelChoice, region: str) -> ModelPrices:
    """Return the prices of *choice* by inference type; if none serves the region, the price of its bare id."""
    kinds = choice.inference_types or (InferenceType(choice.model.model_id, "None in this region"),)
    return ModelPrices([PricedType(kind.label, kind.model_id, price_for(kind.model_id, region)) for kind in kinds])


def by_provider(choices: Iterable[ModelChoice]) -> list[tuple[str, list[ModelChoice]]]:
    """Group the choices by provider, both in the catalog's order."""
    listed = list(choices)
    order = list(dict.fromkeys(choice.model.provider for choice in listed))
    listed.sort(key=lambda choice: order.index(choice.model.provider))
    return [(name, list(group)) for name, group in groupby(listed, key=lambda choice: choice.model.provider)]


def closest(model_id: str) -> str:
    """Return the catalog id most similar to the unknown *model_id*, or an empty string."""
    known = [model.model_id for model in catalogue.models()]
    found = get_close_matches(catalogue.bare_id(model_id), known, n=1, cutoff=0.8)
    return found[0] if found and ":" not in model_id.partition("arn:")[2] else ""
