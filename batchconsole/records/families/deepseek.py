"""The DeepSeek family with InvokeModel: a prompt with the model's special tokens, or chat messages.

=============================== ================================================ ====================================
field                           rule                                             source
=============================== ================================================ ====================================
prompt                          instead of messages; not blank                   Bedrock guide, DeepSeek models
all others                      as in ``openai_chat``                            the same, chat completions
=============================== ================================================ ====================================
"""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec

from batchconsole.records.families.base import Completion, Request
from batchconsole.records.families.chat_messages import ChatMessage
from batchconsole.records.families.faults import Fault, rule
from batchconsole.records.families.openai_chat import FINISH_REASONS, ChatBody, OpenAIChat
from batchconsole.records.families.schema import Context, Size

# Special tokens mark the turns: begin-of-sentence comes before the system prompt, then User, Assistant and
# end-of-sentence follow. Their bars are full-width (U+FF5C) or ASCII, and their spaces are U+2581.
_MARK = re.compile(r"<[|\uff5c](User|Assistant|begin\u2581of\u2581sentence|end\u2581of\u2581sentence)[|\uff5c]>")
ROLES = {"User": "user", "Assistant": "assistant"}


class DeepSeekBody(ChatBody, kw_only=True):
    """A chat body that may have a ``prompt`` instead of ``messages``."""

    messages: list[ChatMessage] = msgspec.field(default_factory=list)
    prompt: str | None = None


def turns(prompt: str) -> list[dict[str, Any]]:
    """Return the chat messages in a prompt with DeepSeek's special tokens; without any, one user message."""
    first, *marked = _MARK.split(prompt)
    found = [{"role": "system", "content": first.strip()}]
    for mark, text in zip(marked[::2], marked[1::2], strict=True):
        found.append({"role": ROLES.get(mark, "system"), "content": text.strip()})
    messages = [message for message in found if message["content"] not in ("", "<think>")]
    return messages if marked else [{"role": "user", "content": prompt}]


class DeepSeek(OpenAIChat):
    name: ClassVar[str] = "deepseek"
    title: ClassVar[str] = "DeepSeek"
    body: ClassVar[type[msgspec.Struct]] = DeepSeekBody
    like: ClassVar[frozenset[str]] = frozenset({"openai_chat", "mistral"})

    def faults(self, body: ChatBody, context: Context) -> Iterator[Fault]:
        prompt = body.prompt if isinstance(body, DeepSeekBody) else None
        if prompt is not None and body.messages:
            yield rule("prompt-or-messages", "$", found="both prompt and messages", expected="one of them")
        if prompt is not None and not prompt.strip():
            yield rule("blank-text", "$.prompt", found="a blank prompt", expected="some text")
        for fault in super().faults(body, context):
            if prompt is None or fault.code != "no-messages":
                yield fault

    def size(self, body: ChatBody) -> Size:
        size = super().size(body)
        size.characters += len((body.prompt if isinstance(body, DeepSeekBody) else None) or "")
        return size

    def request(self, body: ChatBody) -> Request:
        request = super().request(body)
        if isinstance(body, DeepSeekBody) and body.prompt is not None:
            request.messages = turns(body.prompt)
        return request

    def write_response(self, body: dict[str, Any], completion: Completion, *, model_id: str) -> dict[str, Any]:
        if body.get("prompt") is None:
            return super().write_response(body, completion, model_id=model_id)
        return {"choices": [{"text": completion.text, "stop_reason": FINISH_REASONS[completion.stop_reason]}]}
