"""A model that repeats its prompt: instant, deterministic, and controlled by directives in the prompt.

Directives count in the last user message, or the text to embed, and nowhere else:

``[[answer: text]]``
    Answer with exactly this text.
``[[json: {"a": 1}]]``
    Answer with this JSON.
``[[tool: name {"a": 1}]]``
    Call a tool.
``[[sleep: 1.5]]``
    Wait this many seconds first.
``[[fail: 424 message]]``
    Refuse the record with this error code (default: 400) and message.

Without directives, the answer is the prompt. A request with an output schema gets an instance of the schema, and a
request that must call a tool gets a call with an instance of the tool's schema. ``max_tokens`` and stop sequences are
respected; each word is one token.
"""

import hashlib
import math
import random
import re
import threading
from typing import Any

import msgspec

from batchconsole.localbedrock.modelservers.base import Abandoned, RecordRefused
from batchconsole.localbedrock.modelservers.instances import make_instance
from batchconsole.records.families.base import Completion, Request, StopReason

_DIRECTIVE = re.compile(r"\[\[(answer|json|tool|sleep|fail): ?(.*?)\]\](?!\])", re.DOTALL)
_WORD = re.compile(r"\S+")
LONGEST_SLEEP_SECONDS = 3600.0
DEFAULT_DIMENSIONS = 1024
MOST_ANSWERS = 128  # OpenAI's limit for n.


class EchoModel:
    """The ``echo`` model. It is stateless, so the same request always gets the same answer."""

    def is_up(self) -> bool:
        return True

    def complete(self, request: Request, abandoned: threading.Event) -> Completion:
        """Return the answer that the prompt asks for, or the prompt. Raises :class:`RecordRefused` if told to fail."""
        prompt = request.embed if request.embed is not None else last_user_text(request.messages)
        orders = dict(_DIRECTIVE.findall(prompt))
        if abandoned.wait(_seconds(orders.get("sleep", "0"))):
            raise Abandoned
        if "fail" in orders:
            raise _refusal(orders["fail"])
        if request.embed is not None:
            return Completion(embedding=_embedding(request), input_tokens=_count(prompt), id=_id(request))
        tokens = sum(_count(_text(message.get("content"))) for message in request.messages)
        said = orders.get("answer") or orders.get("json")
        rest = _DIRECTIVE.sub("", prompt).strip()
        call = orders.get("tool") or (None if said else _forced_call(request, rest))
        if call:
            return Completion(
                stop_reason="tool_use",
                tool_calls=[_tool_call(call, request)],
                input_tokens=tokens,
                output_tokens=_count(call),
                id=_id(request),
            )
        return _several(_cut(said or _structured(request, rest) or rest, request, tokens), request)


def last_user_text(messages: list[dict[str, Any]]) -> str:
    """Return the text of the last message with the role ``user``, or an empty string."""
    return next((_text(message.get("content")) for message in reversed(messages) if message.get("role") == "user"), "")


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(str(part["text"]) for part in content if isinstance(part, dict) and "text" in part)
    return content if isinstance(content, str) else ""


def _count(text: str) -> int:
    return len(text.split())


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise RecordRefused(400, f"[[sleep: {text}]] does not name a number of seconds.") from None
    return min(max(seconds, 0.0), LONGEST_SLEEP_SECONDS) if math.isfinite(seconds) else 0.0


def _refusal(order: str) -> RecordRefused:
    code, _, message = order.partition(" ")
    if re.fullmatch(r"[45]\d\d", code):
        return RecordRefused(int(code), message or "The echo model was told to fail.")
    return RecordRefused(400, order or "The echo model was told to fail.")


def _cut(text: str, request: Request, input_tokens: int) -> Completion:
    """Return *text* up to the first stop sequence or the last allowed token."""
    hits = [(text.find(stop), stop) for stop in request.stop if stop and stop in text]
    end, stop = min(hits) if hits else (len(text), None)
    text = text[:end]
    reason: StopReason = "stop_sequence" if stop else "end_turn"
    tokens = _count(text)
    if request.max_tokens is not None and tokens > request.max_tokens:
        last = list(_WORD.finditer(text))[request.max_tokens - 1] if request.max_tokens > 0 else None
        text, tokens, reason, stop = text[: last.end()] if last else "", max(request.max_tokens, 0), "max_tokens", None
    return Completion(
        text=text,
        stop_reason=reason,
        stop_sequence=stop,
        input_tokens=input_tokens,
        output_tokens=tokens,
        id=_id(request),
    )


def _structured(request: Request, text: str) -> str:
    """Return an answer in the requested format, or an empty string if the request names none."""
    asked = request.response_format
    if asked is None:
        return ""
    named = asked.get("json_schema")
    schema = named.get("schema") if isinstance(named, dict) else None
    return msgspec.json.encode({"text": text} if schema is None else make_instance(schema, text)).decode()


def _forced_call(request: Request, text: str) -> str:
    """Return a directive for the tool call that ``tool_choice`` demands, or an empty string if it demands none."""
    choice, tools = request.tool_choice, [tool["function"] for tool in request.tools if "function" in tool]
    if isinstance(choice, dict) and isinstance(choice.get("function"), dict):
        tools = [tool for tool in tools if tool["name"] == choice["function"].get("name")]
    elif choice != "required":
        return ""
    if not tools:
        return ""
    arguments = make_instance(tools[0].get("parameters") or {"type": "object"}, text)
    return f"{tools[0]['name']} {msgspec.json.encode(arguments).decode()}"


def _several(completion: Completion, request: Request) -> Completion:
    """Add log probabilities (each word is certain) and further copies to *completion*, as far as requested."""
    if request.extra.get("logprobs") is True:
        completion.logprobs = {"content": [_certain(word) for word in completion.text.split()]}
    wanted = request.extra.get("n")
    if isinstance(wanted, int) and 1 < wanted <= MOST_ANSWERS:
        completion.others = [msgspec.structs.replace(completion)] * (wanted - 1)
        completion.output_tokens *= wanted
    return completion


def _certain(word: str) -> dict[str, Any]:
    return {"token": word, "logprob": 0.0, "bytes": list(word.encode(errors="replace")), "top_logprobs": []}


def _tool_call(order: str, request: Request) -> dict[str, Any]:
    name, _, arguments = order.partition(" ")
    return {
        "id": f"call_{_id(request)}",
        "type": "function",
        "function": {"name": name, "arguments": arguments.strip() or "{}"},
    }


def _id(request: Request) -> str:
    return str(_digest(f"{request.messages}{request.embed}").hexdigest()[:24])


def _digest(text: str) -> Any:
    return hashlib.blake2b(text.encode(errors="replace"))


def _embedding(request: Request) -> list[float]:
    """Return a vector whose values depend only on the text, normalized to length 1 if requested."""
    source = random.Random(_digest(request.embed or "").digest())
    vector = [source.uniform(-1, 1) for _ in range(request.dimensions or DEFAULT_DIMENSIONS)]
    length = math.sqrt(sum(value * value for value in vector)) if request.normalize else 1.0
    return [value / length for value in vector]
