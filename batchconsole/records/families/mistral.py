"""The Mistral family with InvokeModel: a prompt for the text models, messages for the chat models.

=============================== ================================================ ====================================
field                           rule                                             source
=============================== ================================================ ====================================
prompt, messages                exactly one of them; a prompt is not blank       Bedrock guide, Mistral AI models
max_tokens                      the model's limit                                the same
temperature, top_p              0 to 1                                           the same
tools, tool_choice              only with messages; strict schemas are checked   the same, chat completion
image parts                     only for models that take images                 the catalogue
=============================== ================================================ ====================================
"""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec

from batchconsole.records.families.base import Completion, Request
from batchconsole.records.families.chat_messages import (
    ChatMessage,
    Tool,
    chat_faults,
    chat_messages,
    chat_size,
    function_tools,
    image_faults,
    tool_faults,
)
from batchconsole.records.families.faults import Fault, rule
from batchconsole.records.families.fields import Count, Fraction, Tokens
from batchconsole.records.families.openai_chat import format_faults, strict_tool_faults
from batchconsole.records.families.response_formats import chat_format
from batchconsole.records.families.schema import Context, SchemaFamily, Size, max_tokens_faults

_INSTRUCTION = re.compile(r"\[INST\](.*?)\[/INST\]([^\[]*)", re.DOTALL)
_SENTENCE = re.compile(r"</?s>")
STOP_REASONS = {"max_tokens": "length", "tool_use": "tool_calls"}


class MistralBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A body with exactly one of ``prompt`` and ``messages``, which :meth:`Mistral.faults` checks."""

    prompt: str | None = None
    messages: list[ChatMessage] | None = None
    max_tokens: Tokens | None = None
    temperature: Fraction | None = None
    top_p: Fraction | None = None
    top_k: Count | None = None
    stop: list[str] | None = None
    tools: list[Tool] | None = None
    tool_choice: Any = None
    response_format: Any = None


def instructions(prompt: str) -> list[dict[str, Any]]:
    """Return the chat messages in ``<s>[INST] … [/INST] …</s>``; without such marks, one user message."""
    messages = []
    for question, answer in _INSTRUCTION.findall(_SENTENCE.sub("", prompt)):
        messages.append({"role": "user", "content": question.strip()})
        if answer.strip():
            messages.append({"role": "assistant", "content": answer.strip()})
    return messages or [{"role": "user", "content": prompt}]


class Mistral(SchemaFamily[MistralBody]):
    name: ClassVar[str] = "mistral"
    title: ClassVar[str] = "Mistral"
    body: ClassVar[type[msgspec.Struct]] = MistralBody

    def faults(self, body: MistralBody, context: Context) -> Iterator[Fault]:
        if (body.prompt is None) == (body.messages is None):
            found = "neither prompt nor messages" if body.prompt is None else "both prompt and messages"
            yield rule(
                "prompt-or-messages",
                "$",
                found=found,
                expected="exactly one of prompt and messages",
                refusal="Malformed input request: #: required key [prompt] not found, please reformat your input "
                "and try again.",
            )
        if body.prompt is not None and not body.prompt.strip():
            yield rule("blank-text", "$.prompt", found="a blank prompt", expected="some text")
        yield from chat_faults(body.messages) if body.messages is not None else ()
        yield from image_faults(body.messages or [], context)
        yield from format_faults(body.response_format)
        yield from tool_faults(body.tools)
        yield from strict_tool_faults(body.tools)
        yield from max_tokens_faults(context, "$.max_tokens", body.max_tokens)

    def size(self, body: MistralBody) -> Size:
        size = chat_size(body.messages or [])
        size.characters += len(body.prompt or "")
        size.max_tokens = body.max_tokens
        return size

    def request(self, body: MistralBody) -> Request:
        messages = chat_messages(body.messages) if body.messages is not None else instructions(body.prompt or "")
        return Request(
            messages=messages,
            max_tokens=body.max_tokens,
            temperature=body.temperature,
            top_p=body.top_p,
            top_k=body.top_k,
            stop=list(body.stop or ()),
            tools=function_tools(body.tools),
            tool_choice=body.tool_choice,
            response_format=chat_format(body.response_format),
        )

    def write_response(self, body: dict[str, Any], completion: Completion, *, model_id: str) -> dict[str, Any]:
        reason = STOP_REASONS.get(completion.stop_reason, "stop")
        if body.get("messages") is None:
            return {"outputs": [{"text": completion.text, "stop_reason": reason}]}
        message: dict[str, Any] = {"role": "assistant", "content": completion.text}
        if completion.tool_calls:
            message["tool_calls"] = completion.tool_calls
        return {"choices": [{"index": 0, "message": message, "stop_reason": reason}]}

    def sample(self) -> dict[str, Any]:
        return {
            "prompt": "<s>[INST] Name the capital of France in one word. [/INST]",
            "max_tokens": 64,
            "temperature": 0.2,
        }
