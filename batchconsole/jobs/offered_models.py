"""The models that a connection's region offers now, according to Bedrock."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from batchconsole.aws import bedrock
from batchconsole.aws.bedrock import FoundationModel, InferenceProfile
from batchconsole.jobs.models import Actor, Connection, Right
from batchconsole.jobs.patience import both
from batchconsole.jobs.rights.access import require
from batchconsole.records import catalogue

__all__ = ["FoundationModel", "InferenceProfile", "OfferedModels", "list_offered_models"]


@dataclass
class OfferedModels:
    """What the region offers. If Bedrock did not answer, ``known`` is false and no model is ruled out."""

    known: bool = False
    model_ids: frozenset[str] = frozenset()
    profiles: tuple[InferenceProfile, ...] = ()
    names: dict[str, FoundationModel] = field(default_factory=dict)

    @classmethod
    def of(cls, models: Iterable[FoundationModel], profiles: Iterable[InferenceProfile]) -> "OfferedModels":
        names = {catalogue.bare_id(model.model_id): model for model in models}
        return cls(known=True, model_ids=frozenset(names), profiles=tuple(profiles), names=names)


def list_offered_models(connection: Connection, actor: Actor) -> OfferedModels:
    """Return what the region offers now. Raises NotAllowed and AwsError."""
    require(actor, Right.VIEW, connection)
    target = connection.target
    models, profiles = both(
        partial(bedrock.list_foundation_models, target), partial(bedrock.list_inference_profiles, target)
    )
    return OfferedModels.of(models, profiles)
