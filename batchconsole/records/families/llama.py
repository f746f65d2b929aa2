"""The Meta Llama family with InvokeModel: one prompt string with the model's special tokens.

=============================== ================================================ ====================================
field                           rule                                             source
=============================== ================================================ ====================================
prompt                          not blank                                        refused in the field
max_gen_len                     the model's limit                                Bedrock guide, Meta Llama models
temperature, top_p              0 to 1                                           the same
images                          only for models that take images                 the same, Llama 3.2; the catalogue
=============================== ================================================ ====================================
"""

import base64
import re
from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec

from batchconsole.records.families.base import Completion, Request
from batchconsole.records.families.faults import Fault, rule
from batchconsole.records.families.fields import Blob, Fraction, Tokens
from batchconsole.records.families.schema import (
    Context,
    SchemaFamily,
    Size,
    content_of,
    image_part,
    max_tokens_faults,
    text_part,
)

# Llama 3 writes <|start_header_id|>user<|end_header_id|>…<|eot_id|>, Llama 4 <|header_start|>user<|header_end|>…<|eot|>
_TURN = re.compile(
    r"<\|(?:start_header_id|header_start)\|>\s*(\w+)\s*<\|(?:end_header_id|header_end)\|>(.*?)"
    r"(?=<\|eot_id\|>|<\|eot\|>|<\|(?:start_header_id|header_start)\|>|\Z)",
    re.DOTALL,
)
ROLES = frozenset({"system", "user", "assistant"})


class LlamaBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    prompt: str
    max_gen_len: Tokens | None = None
    temperature: Fraction | None = None
    top_p: Fraction | None = None
    images: list[Blob] | None = None


def turns(prompt: str) -> list[dict[str, Any]]:
    """Return the chat messages in a prompt with Llama's special tokens; without any, one user message."""
    found = [{"role": role, "content": text.strip()} for role, text in _TURN.findall(prompt) if role in ROLES]
    messages = [message for message in found if message["content"]]
    return messages or [{"role": "user", "content": prompt}]


def _first_type(data: bytes) -> str:
    return "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"


class Llama(SchemaFamily[LlamaBody]):
    name: ClassVar[str] = "llama"
    title: ClassVar[str] = "Meta Llama"
    body: ClassVar[type[msgspec.Struct]] = LlamaBody

    def faults(self, body: LlamaBody, context: Context) -> Iterator[Fault]:
        if not body.prompt.strip():
            yield rule(
                "blank-text",
                "$.prompt",
                found="a blank prompt",
                expected="some text",
                refusal="Malformed input request: #/prompt: expected minLength: 1, actual: 0, please reformat "
                "your input and try again.",
            )
        for number in range(len(body.images or ())):
            yield from context.modality_faults("IMAGE", f"$.images[{number}]")
        yield from max_tokens_faults(context, "$.max_gen_len", body.max_gen_len)

    def size(self, body: LlamaBody) -> Size:
        return Size(characters=len(body.prompt), media=len(body.images or ()), max_tokens=body.max_gen_len)

    def request(self, body: LlamaBody) -> Request:
        messages = turns(body.prompt)
        if body.images:
            images = [
                image_part(f"data:{_first_type(data)};base64,{base64.b64encode(data).decode()}") for data in body.images
            ]
            messages[-1] = messages[-1] | {"content": content_of([text_part(messages[-1]["content"]), *images])}
        return Request(messages=messages, max_tokens=body.max_gen_len, temperature=body.temperature, top_p=body.top_p)

    def write_response(self, body: dict[str, Any], completion: Completion, *, model_id: str) -> dict[str, Any]:
        return {
            "generation": completion.text,
            "prompt_token_count": completion.input_tokens,
            "generation_token_count": completion.output_tokens,
            "stop_reason": "length" if completion.stop_reason == "max_tokens" else "stop",
        }

    def sample(self) -> dict[str, Any]:
        return {
            "prompt": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nName the capital of France in one "
            "word.<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
            "max_gen_len": 64,
            "temperature": 0.2,
        }
