"""A fast reader for the most common output lines, which hold only a text answer and its token counts.

Lines are decoded straight into Structs instead of dicts. All other lines are left to ``families/answers.py``, which
defines what an answer is; both readers give the same answer for a line.
"""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from batchconsole.records.asked_schemas import Asked
from batchconsole.records.families import AnyFamily
from batchconsole.records.families.answers import GUARDRAIL, Parts, spoken
from batchconsole.records.families.base import Answer

Tokens = Annotated[int, Meta(ge=0, lt=2**53)]


class PlainLine(msgspec.Struct, rename="camel", gc=False):
    """A line without an error. Only the parts of its input that may hold a schema are kept."""

    record_id: str
    model_output: Any
    model_input: Asked | None = None
    error: None = None

    def answer(self) -> Answer:
        """Return the answer in the output."""
        answer: Answer = self.model_output.answer()
        return answer


class _Text(msgspec.Struct, gc=False):
    text: str


class _ConverseUsage(msgspec.Struct, rename="camel", gc=False):
    """The usage of Converse and Nova. With InvokeModel, Nova's names of cached tokens end in ``Count``."""

    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    cache_read_input_tokens: Tokens | None = None
    cache_write_input_tokens: Tokens | None = None
    cache_read_input_token_count: Tokens | None = None
    cache_write_input_token_count: Tokens | None = None


class _ConverseMessage(msgspec.Struct, gc=False):
    content: list[_Text]


class _ConverseOutput(msgspec.Struct, gc=False):
    message: _ConverseMessage


class _Converse(msgspec.Struct, gc=False):
    output: _ConverseOutput
    usage: _ConverseUsage
    stop_reason: str | None = msgspec.field(default=None, name="stopReason")
    guardrail: None = msgspec.field(default=None, name=GUARDRAIL)

    def answer(self) -> Answer:
        usage = self.usage
        read, write = usage.cache_read_input_tokens, usage.cache_write_input_tokens
        return Answer(
            text=_joined(self.output.message.content),
            stop_reason=self.stop_reason,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cache_read_input_token_count if read is None else read,
            cache_write_tokens=usage.cache_write_input_token_count if write is None else write,
        )


class _ClaudeUsage(msgspec.Struct, gc=False):
    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    cache_read_input_tokens: Tokens | None = None
    cache_creation_input_tokens: Tokens | None = None


class _Claude(msgspec.Struct, gc=False):
    content: Annotated[list[_Text], Meta(min_length=1)]
    usage: _ClaudeUsage
    output: None = None
    stop_reason: str | None = None
    guardrail: None = msgspec.field(default=None, name=GUARDRAIL)

    def answer(self) -> Answer:
        usage = self.usage
        return Answer(
            text=_joined(self.content),
            stop_reason=self.stop_reason,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cache_read_input_tokens,
            cache_write_tokens=usage.cache_creation_input_tokens,
        )


class _ChatUsage(msgspec.Struct, gc=False):
    prompt_tokens: Tokens | None = None
    completion_tokens: Tokens | None = None


class _ChatMessage(msgspec.Struct, gc=False):
    content: str
    refusal: None = None
    tool_calls: Annotated[list[Any], Meta(max_length=0)] | None = None
    function_call: None = None
    reasoning: None = None
    reasoning_content: None = None
    audio: None = None


class _Choice(msgspec.Struct, gc=False):
    message: _ChatMessage
    finish_reason: str


class _Chat(msgspec.Struct, gc=False):
    choices: Annotated[list[_Choice], Meta(min_length=1, max_length=1)]
    usage: _ChatUsage
    output: None = None
    content: None = None
    guardrail: None = msgspec.field(default=None, name=GUARDRAIL)

    def answer(self) -> Answer:
        choice, parts = self.choices[0], Parts()
        spoken(choice.message.content, parts)
        return Answer(
            text="\n".join(parts.lines),
            reasoning="\n".join(parts.thoughts),
            stop_reason=choice.finish_reason,
            input_tokens=self.usage.prompt_tokens,
            output_tokens=self.usage.completion_tokens,
        )


def _joined(blocks: list[_Text]) -> str:
    return blocks[0].text if len(blocks) == 1 else "".join([block.text for block in blocks])


class _ConverseLine(PlainLine, rename="camel", gc=False):
    model_output: _Converse


class _ClaudeLine(PlainLine, rename="camel", gc=False):
    model_output: _Claude


class _ChatLine(PlainLine, rename="camel", gc=False):
    model_output: _Chat


_CONVERSE, _CLAUDE = msgspec.json.Decoder(_ConverseLine), msgspec.json.Decoder(_ClaudeLine)
_CHAT = msgspec.json.Decoder(_ChatLine)
_DECODERS: dict[str, Callable[[bytes], PlainLine]] = {
    "converse": _CONVERSE.decode,
    "nova": _CONVERSE.decode,
    "anthropic": _CLAUDE.decode,
    "openai_chat": _CHAT.decode,
    "deepseek": _CHAT.decode,
}


def plain_decoder(family: AnyFamily | None) -> Callable[[bytes], PlainLine] | None:
    """Return a decoder for the plain lines of *family*, or ``None`` if there is none.

    The decoder raises one of ``repair.BROKEN`` for other lines.
    """
    return _DECODERS.get(family.name) if family else None
