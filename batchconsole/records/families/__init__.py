"""The shapes of request and response, by name. To add one: a module here, a line below, a prefix in catalogue.json."""

import msgspec

from batchconsole.records import catalogue
from batchconsole.records.families.anthropic import Anthropic
from batchconsole.records.families.converse import Converse
from batchconsole.records.families.deepseek import DeepSeek
from batchconsole.records.families.llama import Llama
from batchconsole.records.families.mistral import Mistral
from batchconsole.records.families.nova import Nova
from batchconsole.records.families.openai_chat import OpenAIChat
from batchconsole.records.families.schema import SchemaFamily
from batchconsole.records.families.titan_embeddings import TitanEmbeddings
from batchconsole.records.families.titan_multimodal_embeddings import TitanMultimodalEmbeddings
from batchconsole.records.families.titan_text import TitanText

AnyFamily = (
    Converse
    | Anthropic
    | Nova
    | Llama
    | Mistral
    | TitanText
    | TitanEmbeddings
    | TitanMultimodalEmbeddings
    | OpenAIChat
    | DeepSeek
)

FAMILIES: dict[str, AnyFamily] = {
    family.name: family
    for family in (
        Converse(),
        Anthropic(),
        Nova(),
        Llama(),
        Mistral(),
        TitanText(),
        TitanEmbeddings(),
        TitanMultimodalEmbeddings(),
        OpenAIChat(),
        DeepSeek(),
    )
}

# msgspec learns a type when it is first used. Two threads that use it first at once crash the process (msgspec 0.22):
# one finds the other's half-learnt type. A decoder learns it here, where there is one thread.
for _family in FAMILIES.values():
    msgspec.json.Decoder(_family.body)

__all__ = ["FAMILIES", "AnyFamily", "SchemaFamily", "family_for"]


def family_for(model_id: str, invocation_type: str) -> AnyFamily | None:
    """The family of a record's ``modelInput``.

    Converse is one for all models. With InvokeModel it is the model's own, by the catalogue or, for a newer model, by
    its provider's prefix; ``None`` when that tells nothing (application inference profiles, imported models).
    """
    if invocation_type == "Converse":
        return FAMILIES["converse"]
    return FAMILIES.get(catalogue.guess_family(model_id) or "")
