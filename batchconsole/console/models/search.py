"""Search in the catalog by text, provider, modality and batch support, for the models page and the picker."""

from dataclasses import dataclass, field

from django.http import QueryDict
from django.utils.functional import cached_property

from batchconsole.aws.errors import AwsError
from batchconsole.console.kit.amounts import exact_decimals
from batchconsole.console.models.choices import ModelChoice, by_provider, model_choices
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Actor, Connection
from batchconsole.jobs.offered_models import OfferedModels, list_offered_models

INFERRED = ", inferred"  # the suffix in the shipped price table for a price that is not a row of AWS's own list


@dataclass
class ModelSearch:
    """The catalog of one region, filtered by the query string; invalid parameters are ignored."""

    connection: Connection
    query: QueryDict
    error: AwsError | UserError | None = None
    choices: list[ModelChoice] = field(default_factory=list)

    @classmethod
    def read(cls, connection: Connection, actor: Actor, *, query: QueryDict) -> "ModelSearch":
        try:
            offered, error = list_offered_models(connection, actor), None
        except (AwsError, UserError) as caught:
            offered, error = OfferedModels(), caught
        return cls(connection, query, error, model_choices(connection.region, offered))

    @property
    def find(self) -> str:
        return self.query.get("find", "").strip()

    @property
    def provider(self) -> str:
        name = self.query.get("provider", "")
        return name if name in self.providers else ""

    @property
    def modality(self) -> str:
        name = self.query.get("modality", "")
        return name if name in self.modalities else ""

    @property
    def only_batch(self) -> bool:
        return "batch" in self.query

    @property
    def chosen(self) -> str:
        return self.query.get("model_id", "")

    @cached_property
    def providers(self) -> list[str]:
        return list(dict.fromkeys(choice.model.provider for choice in self.choices))

    @cached_property
    def modalities(self) -> list[str]:
        return list(dict.fromkeys(name for choice in self.choices for name in choice.modalities))

    @property
    def values(self) -> dict[str, str]:
        """The valid parameters of the query string."""
        values = {"find": self.find, "provider": self.provider, "modality": self.modality}
        return {name: value for name, value in values.items() if value} | ({"batch": "1"} if self.only_batch else {})

    @property
    def is_filtered(self) -> bool:
        return bool(self.values)

    @cached_property
    def matching(self) -> list[ModelChoice]:
        words, provider, modality = self.find.lower().split(), self.provider, self.modality
        return [
            choice
            for choice in self.choices
            if all(word in choice.text for word in words)
            and provider in ("", choice.model.provider)
            and modality in ("", *choice.modalities)
            and not (self.only_batch and choice.obstacle)
        ]

    @property
    def groups(self) -> list[tuple[str, list[ModelChoice]]]:
        return by_provider(self.matching)

    @property
    def price_notes(self) -> list[str]:
        """The sources and dates of the matching models' prices, without duplicates."""
        prices = [choice.price for choice in self.matching if choice.price]
        return list(dict.fromkeys(f"{price.source.removesuffix(INFERRED)} ({price.as_of})" for price in prices))

    @cached_property
    def decimals(self) -> int:
        """The number of decimals of all prices in the catalog, so that it does not change with the page or filter."""
        return exact_decimals(price for choice in self.choices for price in (choice.input_price, choice.output_price))
