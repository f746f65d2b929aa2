"""The Amazon Titan Multimodal Embeddings G1 family: a text, an image or both in, one vector out.

=============================== ================================================ ====================================
field                           rule                                             source
=============================== ================================================ ====================================
inputText, inputImage           one of them, or both                             Bedrock guide, Titan Multimodal
outputEmbeddingLength           256, 384 or 1024                                 the same
=============================== ================================================ ====================================
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import msgspec

from batchconsole.records.families.base import Completion, Request
from batchconsole.records.families.faults import Fault, rule
from batchconsole.records.families.fields import Blob
from batchconsole.records.families.schema import Context, SchemaFamily, Size
from batchconsole.records.families.titan_embeddings import fit

DEFAULT_DIMENSIONS = 1024


class EmbeddingConfig(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    output_embedding_length: Literal[256, 384, 1024] | None = None


class TitanMultimodalBody(msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    input_text: str | None = None
    input_image: Blob | None = None
    embedding_config: EmbeddingConfig | None = None


class TitanMultimodalEmbeddings(SchemaFamily[TitanMultimodalBody]):
    name: ClassVar[str] = "titan_multimodal_embeddings"
    title: ClassVar[str] = "Amazon Titan Multimodal Embeddings"
    body: ClassVar[type[msgspec.Struct]] = TitanMultimodalBody

    def faults(self, body: TitanMultimodalBody, context: Context) -> Iterator[Fault]:
        if not (body.input_text or "").strip() and body.input_image is None:
            yield rule(
                "no-input",
                "$",
                found="neither inputText nor inputImage",
                expected="a text, an image or both",
                refusal="Malformed input request: #: required key [inputText] or [inputImage] not found, please "
                "reformat your input and try again.",
            )

    def size(self, body: TitanMultimodalBody) -> Size:
        return Size(characters=len(body.input_text or ""), media=int(body.input_image is not None), max_tokens=0)

    def request(self, body: TitanMultimodalBody) -> Request:
        config = body.embedding_config or EmbeddingConfig()
        return Request(
            embed=body.input_text or "[image]",
            dimensions=config.output_embedding_length or DEFAULT_DIMENSIONS,
        )

    def write_response(self, body: dict[str, Any], completion: Completion, *, model_id: str) -> dict[str, Any]:
        wanted = self.request(self.parse(body))
        vector = fit(completion.embedding or [], wanted.dimensions or DEFAULT_DIMENSIONS, normalize=True)
        return {"embedding": vector, "inputTextTokenCount": completion.input_tokens, "message": None}

    def sample(self) -> dict[str, Any]:
        return {"inputText": "A red bicycle against a wall.", "embeddingConfig": {"outputEmbeddingLength": 256}}
