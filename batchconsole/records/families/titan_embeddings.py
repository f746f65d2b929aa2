"""The Amazon Titan Text Embeddings V2 family: one text in, one vector out.

=============================== ================================================ ====================================
field                           rule                                             source
=============================== ================================================ ====================================
inputText                       not blank, at most 50,000 characters             Bedrock guide, Titan Embeddings
dimensions                      256, 512 or 1024                                 the same
embeddingTypes                  float, binary                                    the same
=============================== ================================================ ====================================
"""

import math
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import msgspec

from batchconsole.records.families.base import Completion, Request
from batchconsole.records.families.faults import Fault, rule
from batchconsole.records.families.schema import Context, SchemaFamily, Size
from batchconsole.records.families.titan_text import blank_text

DEFAULT_DIMENSIONS = 1024
MAX_CHARACTERS = 50_000  # Amazon Titan Text Embeddings V2, user guide


class TitanEmbeddingsBody(msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    input_text: str
    dimensions: Literal[256, 512, 1024] | None = None
    normalize: bool | None = None
    embedding_types: list[Literal["float", "binary"]] | None = None


def fit(vector: list[float], dimensions: int, *, normalize: bool) -> list[float]:
    """Return *vector* truncated or zero-padded to *dimensions*, scaled to length 1 if *normalize*."""
    fitted = (vector + [0.0] * dimensions)[:dimensions]
    length = math.hypot(*fitted) if normalize else 1.0
    return [number / length for number in fitted] if length else fitted


class TitanEmbeddings(SchemaFamily[TitanEmbeddingsBody]):
    name: ClassVar[str] = "titan_embeddings"
    title: ClassVar[str] = "Amazon Titan Text Embeddings V2"
    body: ClassVar[type[msgspec.Struct]] = TitanEmbeddingsBody

    def faults(self, body: TitanEmbeddingsBody, context: Context) -> Iterator[Fault]:
        yield from blank_text(body.input_text)
        if len(body.input_text) > MAX_CHARACTERS:
            yield rule(
                "text-too-long",
                "$.inputText",
                found=f"{len(body.input_text):,} characters",
                expected=f"at most {MAX_CHARACTERS:,}",
                refusal=f"Malformed input request: expected maxLength: {MAX_CHARACTERS}, actual: "
                f"{len(body.input_text)}, please reformat your input and try again.",
            )

    def size(self, body: TitanEmbeddingsBody) -> Size:
        return Size(characters=len(body.input_text), max_tokens=0)

    def request(self, body: TitanEmbeddingsBody) -> Request:
        return Request(
            embed=body.input_text,
            dimensions=body.dimensions or DEFAULT_DIMENSIONS,
            normalize=body.normalize is not False,
        )

    def write_response(self, body: dict[str, Any], completion: Completion, *, model_id: str) -> dict[str, Any]:
        wanted = self.request(self.parse(body))
        vector = fit(completion.embedding or [], wanted.dimensions or DEFAULT_DIMENSIONS, normalize=wanted.normalize)
        by_type: dict[str, list[float] | list[int]] = {"float": vector}
        if "binary" in (body.get("embeddingTypes") or ()):
            by_type["binary"] = [int(number > 0) for number in vector]
        return {"embedding": vector, "embeddingsByType": by_type, "inputTextTokenCount": completion.input_tokens}

    def sample(self) -> dict[str, Any]:
        return {"inputText": "Paris is the capital of France.", "dimensions": 256, "normalize": True}
