"""All families, by name: the shapes of requests and responses.

To add a family, add a module here, a line below and a prefix in catalogue.json.
"""

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

# msgspec analyses a type on first use. If two threads are the first to use it at the same time, the process crashes
# (msgspec 0.22), because one thread finds the type half analysed by the other. Creating a decoder here, while there is
# only one thread, analyses each type in advance.
for _family in FAMILIES.values():
    msgspec.json.Decoder(_family.body)

__all__ = ["FAMILIES", "AnyFamily", "SchemaFamily", "family_for"]


def family_for(model_id: str, invocation_type: str) -> AnyFamily | None:
    """Return the family of a record's ``modelInput``.

    Converse has one family for all models. With InvokeModel, the catalogue names the model's family; for a model newer
    than the catalogue, the provider's prefix does. Return ``None`` if neither is known (application inference profiles,
    imported models).
    """
    if invocation_type == "Converse":
        return FAMILIES["converse"]
    return FAMILIES.get(catalogue.guess_family(model_id) or "")
