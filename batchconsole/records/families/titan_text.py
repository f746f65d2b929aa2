"""The Amazon Titan Text family.

=============================== ================================================ ====================================
field                           rule                                             source
=============================== ================================================ ====================================
inputText                       not blank                                        refused in the field
maxTokenCount                   the model's limit                                Bedrock guide, Titan text models
temperature, topP               0 to 1                                           the same
stopSequences                   only one or more ``|``, or ``User:``             the same; refused in the field
=============================== ================================================ ====================================
"""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec

from batchconsole.records.families.base import Completion, Request
from batchconsole.records.families.faults import Fault, rule
from batchconsole.records.families.fields import Fraction, Tokens
from batchconsole.records.families.schema import Context, SchemaFamily, Size, max_tokens_faults

_STOP = re.compile(r"\|+|User:")
REASONS = {"max_tokens": "LENGTH", "stop_sequence": "STOP_CRITERIA_MET", "content_filtered": "CONTENT_FILTERED"}


class TextGenerationConfig(msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    max_token_count: Tokens | None = None
    temperature: Fraction | None = None
    top_p: Fraction | None = None
    stop_sequences: list[str] | None = None


class TitanTextBody(msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    input_text: str
    text_generation_config: TextGenerationConfig | None = None


def blank_text(text: str, path: str = "$.inputText") -> Iterator[Fault]:
    """Yield a fault if a Titan input is blank."""
    if not text.strip():
        yield rule(
            "blank-text",
            path,
            found="blank text",
            expected="some text",
            refusal="Malformed input request: expected minLength: 1, actual: 0, please reformat your input and "
            "try again.",
        )


def _stop_faults(config: TextGenerationConfig | None) -> Iterator[Fault]:
    for number, text in enumerate((config.stop_sequences if config else None) or ()):
        if not _STOP.fullmatch(text):
            yield rule(
                "stop-sequence-refused",
                f"$.textGenerationConfig.stopSequences[{number}]",
                found=text[:80],
                expected="| or User:",
                refusal=f"Malformed input request: string [{text[:80]}] does not match pattern ^(\\|+|User:)$, please "
                "reformat your input and try again.",
            )


class TitanText(SchemaFamily[TitanTextBody]):
    name: ClassVar[str] = "titan_text"
    title: ClassVar[str] = "Amazon Titan Text"
    body: ClassVar[type[msgspec.Struct]] = TitanTextBody

    def faults(self, body: TitanTextBody, context: Context) -> Iterator[Fault]:
        yield from blank_text(body.input_text)
        yield from _stop_faults(body.text_generation_config)
        if body.text_generation_config:
            yield from max_tokens_faults(
                context, "$.textGenerationConfig.maxTokenCount", body.text_generation_config.max_token_count
            )

    def size(self, body: TitanTextBody) -> Size:
        config = body.text_generation_config
        return Size(characters=len(body.input_text), max_tokens=config.max_token_count if config else None)

    def request(self, body: TitanTextBody) -> Request:
        config = body.text_generation_config or TextGenerationConfig()
        return Request(
            messages=[{"role": "user", "content": body.input_text}],
            max_tokens=config.max_token_count,
            temperature=config.temperature,
            top_p=config.top_p,
            stop=list(config.stop_sequences or ()),
        )

    def write_response(self, body: dict[str, Any], completion: Completion, *, model_id: str) -> dict[str, Any]:
        return {
            "inputTextTokenCount": completion.input_tokens,
            "results": [
                {
                    "tokenCount": completion.output_tokens,
                    "outputText": completion.text,
                    "completionReason": REASONS.get(completion.stop_reason, "FINISH"),
                }
            ],
        }

    def sample(self) -> dict[str, Any]:
        return {
            "inputText": "Name the capital of France in one word.",
            "textGenerationConfig": {"maxTokenCount": 64, "temperature": 0.2},
        }
