"""The catalogue searched by text, provider, modality and batch support: for the page of all models and the picker."""

from dataclasses import dataclass, field

from django.http import QueryDict
from django.utils.functional import cached_property

from batchconsole.aws.errors import AwsError
from batchconsole.console.kit.amounts import exact_decimals
from batchconsole.console.models.choices import ModelChoice, by_provider, model_choices
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Actor, Connection
from batchconsole.jobs.offered_models import OfferedModels, list_offered_models

INFERRED = ", inferred"  # how the shipped table marks a price that is not AWS's own row


@dataclass
class ModelSearch:
    """The catalogue in one region, and what of it matches the query string; its invalid parts are left out."""

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
        """What the query string asks for, without what was invalid."""
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
        """Where the prices of what matches come from, each source and day once."""
        prices = [choice.price for choice in self.matching if choice.price]
        return list(dict.fromkeys(f"{price.source.removesuffix(INFERRED)} ({price.as_of})" for price in prices))

    @cached_property
    def decimals(self) -> int:
        """Those of prices, of the whole catalogue so that no page or filter changes them."""
        return exact_decimals(price for choice in self.choices for price in (choice.input_price, choice.output_price))
