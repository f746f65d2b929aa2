"""Read the answer from a response body of any shape.

Consecutive text blocks are joined, because Claude splits a sentence at each citation. Everything else that a model
returns (a tool call, an image, a vector) gets its own line. Reasoning is kept separate from the answer.

Nothing here raises: members of an unexpected type are skipped, and a body of unknown shape is shown as JSON.
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

MOST_VECTORS = 20  # described one by one; the others are only counted
GUARDRAIL = "amazon-bedrock-guardrailAction"  # set by InvokeModel; Converse has a stop reason instead
INTERVENED = "guardrail_intervened"
REFUSED = "refusal"
MEDIA = ("image", "video", "audio", "document")
# gpt-oss with InvokeModel, and models that vLLM serves without a reasoning parser, put their reasoning before the text.
_THOUGHTS = re.compile(r"\s*<(reasoning|think|thinking)>(.*?)</\1>\s*", re.DOTALL)
# Only the closing tag: the chat templates of DeepSeek and Qwen put the opening tag in the prompt.
_THOUGHTS_END = re.compile(r"\n[^\S\n]*</think>\s*")
# Only the opening tag: the answer reached its token limit while the model was reasoning.
_THOUGHTS_CUT = re.compile(r"\s*<(reasoning|think|thinking)>((?:(?!</\1>).)*)\Z", re.DOTALL)
_encode = msgspec.json.Encoder().encode


class Parts:
    """The parts of an answer, collected while its body is read."""

    __slots__ = ("_in_text", "calls", "lines", "stop_reason", "thoughts")

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.calls: list[Call] = []
        self.thoughts: list[str] = []
        self.stop_reason: str | None = None
        self._in_text = False

    def text(self, value: Any) -> None:
        """Add text, on the same line if the previous part is text too."""
        if not isinstance(value, str) or not value:
            return
        if self._in_text:
            self.lines[-1] += value
        else:
            self.lines.append(value)
            self._in_text = True

    def line(self, value: str) -> None:
        """Add *value* on its own line."""
        self._in_text = False
        self.lines.append(value)

    def texts(self, values: Any) -> None:
        """Add the text of each ``{"text": ...}`` in the list *values*."""
        for value in _bodies(values):
            self.text(value.get("text"))

    def call(self, name: Any, arguments: Any) -> None:
        """Add a call to the tool *name*, shown as its arguments in JSON."""
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
        """Add embeddings as pairs of vector and name. A vector has no text, so its number of dimensions is shown."""
        for vector, name in values[:MOST_VECTORS]:
            size = f"{len(vector)} dimensions" if isinstance(vector, list) else "embedding"
            self.line(f"[{size}, {name}]" if name else f"[{size}]")
        if len(values) > MOST_VECTORS:
            self.line(f"[{len(values) - MOST_VECTORS:,} more]")

    def stop(self, *reasons: Any) -> None:
        """Set the stop reason to the first string or number in *reasons*, unless one is already set."""
        if self.stop_reason is None:
            for reason in reasons:
                if isinstance(reason, str | int) and not isinstance(reason, bool):
                    self.stop_reason = str(reason)
                    return


def read_answer(body: Any) -> Answer:
    """Return the answer in *body*, a record's ``modelOutput``. Custom models may return JSON that is not an object.

    Token counts that the body lacks are ``None``.
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
    """Return *value* as JSON on one line, or a placeholder if it is nested too deeply to encode."""
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
    """Read a Converse or Nova body: ``output.message.content``. Unset members of a block may be null.

    If ``output`` is a list, the body is a response of OpenAI's Responses API.
    """
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
    """Read a body of Claude's Messages API: ``content`` is a list of typed blocks, or a string."""
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
    """Read OpenAI or Mistral chat completions: each choice holds a message or a text."""
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
    """Add the text *content*, moving any reasoning at its start to the reasoning parts."""
    thoughts = _thoughts(content) if isinstance(content, str) else None
    if thoughts:
        reasoning, end = thoughts
        parts.reasoning(reasoning.strip())
        content = content[end:]
    parts.text(content)


def _thoughts(content: str) -> tuple[str, int] | None:
    """Return the reasoning at the start of *content* and where it ends; ``None`` if there is none."""
    if content.lstrip().startswith("<"):
        found = _THOUGHTS.match(content) or _THOUGHTS_CUT.match(content)
        return (found[2], found.end()) if found else None
    end = _THOUGHTS_END.search(content)
    if end is None or "<think" in content[: end.start()]:
        return None
    return content[: end.start()], end.end()


def _message_part(part: Body, parts: Parts) -> None:
    """Read a typed part of a message's content (OpenAI Chat Completions and Responses, Mistral thinking)."""
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
    """Read ``output`` of OpenAI's Responses API: a list of messages, calls and reasoning."""
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
    """Read a body of Mistral's text models."""
    for output in _bodies(body["outputs"]):
        spoken(output.get("text"), parts)
        parts.stop(output.get("stop_reason"))


def _titan_text(body: Body, parts: Parts) -> None:
    for result in _bodies(body["results"]):
        if isinstance(result.get("outputText"), str):
            parts.line(result["outputText"])
        parts.stop(result.get("completionReason"))


def _titan_vectors(body: Body, parts: Parts) -> None:
    """Read Titan embeddings: ``embedding`` is the float vector; ``embeddingsByType`` may repeat it and add types."""
    by_type = _body(body.get("embeddingsByType"))
    others = [(vector, name) for name, vector in by_type.items() if name != "float" or body.get("embedding") is None]
    first = [] if body.get("embedding") is None else [(body["embedding"], "")]
    parts.vectors(first + others)
    parts.text(body.get("message"))  # the error message of Titan Multimodal Embeddings


def _vectors(body: Body, parts: Parts) -> None:
    """Read ``embeddings`` of Cohere (vectors, or lists of vectors by type) or of Nova (objects with a type)."""
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
    """Read OpenAI or TwelveLabs embeddings: ``data`` is a list of embeddings, or a single one."""
    items = [body["data"]] if isinstance(body["data"], dict) else body["data"]
    parts.vectors([(item.get("embedding"), "") for item in _bodies(items) if "embedding" in item])
    if not parts.lines:
        parts.line(as_json(body))


def _cohere_chat(body: Body, parts: Parts) -> None:
    """Read a chat response of Cohere's Command A, as in Cohere's own API: one message of parts and calls."""
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
    """Read a body of Cohere's Command."""
    for generation in _bodies(body["generations"]):
        parts.text(generation.get("text"))
        parts.stop(generation.get("finish_reason"))


def _plain(mark: str) -> Callable[[Body, Parts], None]:
    """Return a reader for bodies whose text is the member *mark* (Cohere's Command R, Claude's old completions)."""

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
