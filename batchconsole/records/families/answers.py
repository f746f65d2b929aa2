"""The answer in a response body of any shape, built part by part in one place.

Text blocks that follow each other belong together: Claude splits a sentence where it cites. Whatever else a model gives
(a tool call, a picture, a vector) stands on a line of its own. Reasoning is kept apart from the answer.

Nothing raises: a member of an unexpected type is passed over, and a body of no known shape is shown as JSON.
Sources: the response pages of each model in the Bedrock user guide; for Converse the API model of bedrock-runtime.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from batchconsole.records.families.base import Answer, Call
from batchconsole.records.families.token_counts import counted

Body = dict[str, Any]

MOST_VECTORS = 20  # are described one by one
GUARDRAIL = "amazon-bedrock-guardrailAction"  # InvokeModel with a guardrail; Converse has a stop reason for it
INTERVENED = "guardrail_intervened"
REFUSED = "refusal"
MEDIA = ("image", "video", "audio", "document")
# gpt-oss with InvokeModel, and models served by vLLM without a reasoning parser, write their thoughts before the text.
_THOUGHTS = re.compile(r"\s*<(reasoning|think|thinking)>(.*?)</\1>\s*", re.DOTALL)
# Their end alone: what DeepSeek's and Qwen's chat templates leave, which write the beginning into the prompt.
_THOUGHTS_END = re.compile(r"\s*((?:(?!<think).)*?)\n\s*</think>\s*", re.DOTALL)
# Their beginning alone: an answer that was cut off at its bound of tokens while the model thought.
_THOUGHTS_CUT = re.compile(r"\s*<(reasoning|think|thinking)>((?:(?!</\1>).)*)\Z", re.DOTALL)
_encode = msgspec.json.Encoder().encode


class Parts:
    """An answer under way."""

    __slots__ = ("_in_text", "calls", "lines", "stop_reason", "thoughts")

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.calls: list[Call] = []
        self.thoughts: list[str] = []
        self.stop_reason: str | None = None
        self._in_text = False

    def text(self, value: Any) -> None:
        """Words of the answer, which go on where the words before ended."""
        if not isinstance(value, str) or not value:
            return
        if self._in_text:
            self.lines[-1] += value
        else:
            self.lines.append(value)
            self._in_text = True

    def line(self, value: str) -> None:
        """Something on a line of its own."""
        self._in_text = False
        self.lines.append(value)

    def texts(self, values: Any) -> None:
        """The texts of a list of ``{"text": ...}``."""
        for value in _bodies(values):
            self.text(value.get("text"))

    def call(self, name: Any, arguments: Any) -> None:
        """A call of the tool *name*: what the model passes to it, as JSON."""
        if arguments is None:
            return
        self.line(arguments if isinstance(arguments, str) else as_json(arguments))
        if isinstance(name, str):
            self.calls.append(Call(name, arguments))

    def reasoning(self, value: Any) -> None:
        if isinstance(value, str) and value:
            self._in_text = False
            self.thoughts.append(value)

    def refusal(self, value: Any) -> None:
        if isinstance(value, str) and value:
            self.line(value)
            self.stop_reason = REFUSED

    def vectors(self, values: list[tuple[Any, str]]) -> None:
        """Embeddings, each with what it is called: a vector has no text to show, so its size is told."""
        for vector, name in values[:MOST_VECTORS]:
            size = f"{len(vector)} dimensions" if isinstance(vector, list) else "embedding"
            self.line(f"[{size}, {name}]" if name else f"[{size}]")
        if len(values) > MOST_VECTORS:
            self.line(f"[{len(values) - MOST_VECTORS:,} more]")

    def stop(self, *reasons: Any) -> None:
        """Why the model stopped: the first of *reasons* that is one."""
        if self.stop_reason is None:
            for reason in reasons:
                if isinstance(reason, str | int) and reason is not False:
                    self.stop_reason = str(reason)
                    return


def read_answer(body: Any) -> Answer:
    """The answer in *body*, a record's ``modelOutput``: an object or, from models of one's own, any other JSON.

    Counts it does not carry are ``None``.
    """
    if not isinstance(body, dict):
        return Answer(text=body if isinstance(body, str) else as_json(body))
    parts = Parts()
    for mark, read in READERS:
        if body.get(mark) is not None:
            read(body, parts)
            break
    else:
        if body:
            parts.line(as_json(body))
    if body.get(GUARDRAIL) == "INTERVENED":
        parts.stop_reason = INTERVENED
    answer = counted(body)
    answer.text, answer.stop_reason = "\n".join(parts.lines), parts.stop_reason
    answer.reasoning = "\n".join(parts.thoughts)
    if parts.calls:
        answer.calls = parts.calls
    return answer


def as_json(value: Any) -> str:
    """*value* as JSON on one line; a word for what is nested too deeply to be written."""
    try:
        return _encode(value).decode()
    except (UnicodeEncodeError, OverflowError):
        return json.dumps(value)
    except RecursionError:
        return "[nested too deeply]"


def _body(value: Any) -> Body:
    return value if isinstance(value, dict) else {}


def _bodies(values: Any) -> Iterator[Body]:
    if isinstance(values, list):
        for value in values:
            if isinstance(value, dict):
                yield value


def _converse(body: Body, parts: Parts) -> None:
    """Converse and Nova: ``output.message.content``, where every member of a block that is not set may be null."""
    output = body["output"]
    if isinstance(output, list):
        _responses(output, parts)
    elif isinstance(output, dict):
        for block in _bodies(_body(output.get("message")).get("content")):
            _converse_block(block, parts)
    else:
        parts.text(output)
    parts.stop(body.get("stopReason"))


def _converse_block(block: Body, parts: Parts) -> None:
    if block.get("text") is not None:
        parts.text(block["text"])
        return
    name, value = next(((name, value) for name, value in block.items() if value is not None), ("", None))
    if name == "toolUse":
        parts.call(_body(value).get("name"), _body(value).get("input"))
    elif name == "citationsContent":
        parts.texts(_body(value).get("content"))
    elif name == "reasoningContent":
        thought = _body(_body(value).get("reasoningText")).get("text")
        parts.reasoning(thought or "[redacted]")
    elif name == "guardContent":
        parts.text(_body(_body(value).get("text")).get("text"))
    elif name in MEDIA:
        parts.line(f"[{name} {_body(value).get('format') or ''}".rstrip() + "]")
    elif name and name != "cachePoint":
        parts.line(as_json(block[name]))


def _anthropic(body: Body, parts: Parts) -> None:
    """Claude's Messages: ``content`` is a list of typed blocks."""
    content = body["content"]
    parts.text(content)
    for block in _bodies(content):
        _anthropic_block(block, parts)
    parts.stop(body.get("stop_reason"))
    if parts.stop_reason == REFUSED and not parts.lines:
        parts.text(_body(body.get("stop_details")).get("explanation"))


def _anthropic_block(block: Body, parts: Parts) -> None:
    kind = block.get("type")
    if isinstance(block.get("text"), str):
        parts.text(block["text"])
    elif kind == "thinking":
        parts.reasoning(block.get("thinking"))
    elif kind == "redacted_thinking":
        parts.reasoning("[redacted]")
    elif "input" in block:
        parts.call(block.get("name"), block["input"])
    elif block:
        parts.line(as_json(block))


def _choices(body: Body, parts: Parts) -> None:
    """OpenAI's chat completions, with one choice or several, and Mistral's: a message, or a text."""
    for number, choice in enumerate(_bodies(body["choices"])):
        if number:
            parts.line("")
        message = choice.get("message")
        if isinstance(message, dict):
            _message(message, parts)
        else:
            spoken(choice.get("text"), parts)
        parts.stop(choice.get("finish_reason"), choice.get("stop_reason"))


def _message(message: Body, parts: Parts) -> None:
    parts.reasoning(message.get("reasoning_content") or message.get("reasoning"))
    content = message.get("content")
    spoken(content, parts)
    for part in _bodies(content):
        _message_part(part, parts)
    parts.refusal(message.get("refusal"))
    for call in [*_bodies(message.get("tool_calls")), message]:
        function = call.get("function") or call.get("function_call") or call.get("custom")
        if isinstance(function, dict):
            parts.call(function.get("name"), function.get("arguments", function.get("input")))
    if isinstance(message.get("audio"), dict):
        parts.line(f"[audio] {message['audio'].get('transcript') or ''}".rstrip())


def spoken(content: Any, parts: Parts) -> None:
    """A text, whose thoughts at its beginning are kept apart."""
    thoughts = _thoughts(content) if isinstance(content, str) else None
    if thoughts:
        parts.reasoning(thoughts[thoughts.lastindex or 0].strip())
        content = content[thoughts.end() :]
    parts.text(content)


def _thoughts(content: str) -> re.Match[str] | None:
    """What *content* begins with when that is thoughts, which the match's last group holds."""
    if content.lstrip().startswith("<"):
        return _THOUGHTS.match(content) or _THOUGHTS_CUT.match(content)
    return _THOUGHTS_END.match(content) if "</think>" in content else None


def _message_part(part: Body, parts: Parts) -> None:
    """A typed part of a message's content: OpenAI's chat and responses, and Mistral's thinking."""
    if isinstance(part.get("text"), str):
        parts.text(part["text"])
    elif part.get("type") == "thinking":
        thinking = part.get("thinking")
        parts.reasoning("".join(_texts(thinking)) if isinstance(thinking, list) else thinking)
    elif part.get("type") == "refusal":
        parts.refusal(part.get("refusal"))
    elif part:
        parts.line(f"[{part.get('type') or 'content'}]")


def _texts(values: Any) -> Iterator[str]:
    return (value["text"] for value in _bodies(values) if isinstance(value.get("text"), str))


def _responses(items: list[Any], parts: Parts) -> None:
    """OpenAI's responses: ``output`` is a list of messages, calls and reasoning."""
    for item in _bodies(items):
        kind = item.get("type")
        if kind == "reasoning":
            parts.reasoning("\n".join([*_texts(item.get("summary")), *_texts(item.get("content"))]))
        elif "arguments" in item or (kind == "custom_tool_call"):
            parts.call(item.get("name"), item.get("arguments", item.get("input")))
        else:
            for part in _bodies(item.get("content")):
                _message_part(part, parts)


def _llama(body: Body, parts: Parts) -> None:
    parts.text(body["generation"])
    parts.stop(body.get("stop_reason"))


def _outputs(body: Body, parts: Parts) -> None:
    """Mistral's text models."""
    for output in _bodies(body["outputs"]):
        spoken(output.get("text"), parts)
        parts.stop(output.get("stop_reason"))


def _titan_text(body: Body, parts: Parts) -> None:
    for result in _bodies(body["results"]):
        if isinstance(result.get("outputText"), str):
            parts.line(result["outputText"])
        parts.stop(result.get("completionReason"))


def _titan_vectors(body: Body, parts: Parts) -> None:
    """Titan: ``embedding`` is the vector of numbers, ``embeddingsByType`` has it too and others beside it."""
    by_type = _body(body.get("embeddingsByType"))
    others = [(vector, name) for name, vector in by_type.items() if name != "float" or body.get("embedding") is None]
    first = [] if body.get("embedding") is None else [(body["embedding"], "")]
    parts.vectors(first + others)
    parts.text(body.get("message"))  # what Titan Multimodal Embeddings says when something is wrong


def _vectors(body: Body, parts: Parts) -> None:
    """``embeddings`` of Cohere (vectors, or lists of them by type) and of Nova (objects with a type)."""
    found = body["embeddings"]
    if isinstance(found, dict):
        parts.vectors([(vector, name) for name, vectors in found.items() for vector in vectors or ()])
        return
    parts.vectors(
        [
            (item.get("embedding"), str(item.get("embeddingType") or "")) if isinstance(item, dict) else (item, "")
            for item in (found if isinstance(found, list) else [])
        ]
    )


def _data(body: Body, parts: Parts) -> None:
    """OpenAI's and TwelveLabs' embeddings: ``data`` is a list of them."""
    items = [body["data"]] if isinstance(body["data"], dict) else body["data"]
    parts.vectors([(item.get("embedding"), "") for item in _bodies(items) if "embedding" in item])
    if not parts.lines:
        parts.line(as_json(body))


def _cohere_chat(body: Body, parts: Parts) -> None:
    """Cohere's Command A, whose chat answers as its own API does: one message of parts and calls."""
    if isinstance(body["message"], dict):
        _message(body["message"], parts)
        parts.stop(body.get("finish_reason"))
    else:
        parts.line(as_json(body))


def _images(body: Body, parts: Parts) -> None:
    images = body["images"]
    count = len(images) if isinstance(images, list) else 0
    parts.line(f"[{count} image{'' if count == 1 else 's'}]")


def _generations(body: Body, parts: Parts) -> None:
    """Cohere's Command."""
    for generation in _bodies(body["generations"]):
        parts.text(generation.get("text"))
        parts.stop(generation.get("finish_reason"))


def _plain(mark: str) -> Callable[[Body, Parts], None]:
    """A body whose text is the member *mark*: Cohere's Command R, Claude's old completions."""

    def read(body: Body, parts: Parts) -> None:
        parts.text(body[mark])
        parts.stop(body.get("stop_reason"), body.get("finish_reason"))

    return read


READERS: tuple[tuple[str, Callable[[Body, Parts], None]], ...] = (
    ("output", _converse),
    ("content", _anthropic),
    ("choices", _choices),
    ("generation", _llama),
    ("outputs", _outputs),
    ("results", _titan_text),
    ("embedding", _titan_vectors),
    ("embeddingsByType", _titan_vectors),
    ("embeddings", _vectors),
    ("generations", _generations),
    ("data", _data),
    ("images", _images),
    ("message", _cohere_chat),
    ("text", _plain("text")),
    ("completion", _plain("completion")),
)
