"""Reading lines of other providers' batch files into neutral words. Nothing is dropped silently: a member that has no
place in the neutral request is kept under its own name, for the writer to carry or to refuse.

Sources: OpenAI's API reference (chat completions, completions, embeddings, responses, batches), Anthropic's Messages
API reference and Message Batches guide.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from batchconsole.records.families.base import Request

Body = dict[str, Any]

LEFT_OUT = frozenset({"model", "anthropic_version"})  # the job names the model, and the format is another
# Members whose value says what is so without them.
NO_EFFECT: dict[str, tuple[Any, ...]] = {
    "background": (False,),
    "best_of": (1,),
    "echo": (False,),
    "encoding_format": ("float",),
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "metadata": ({},),
    "modalities": (["text"],),
    "n": (1,),
    "parallel_tool_calls": (True,),
    "presence_penalty": (0,),
    "response_format": ({"type": "text"},),
    "service_tier": ("auto", "default", "standard_only"),
    "store": (False,),
    "stream": (False,),
    "text": ({"format": {"type": "text"}},),
    "thinking": ({"type": "disabled"},),
    "tools": ([],),
    "truncation": ("disabled",),
}


class Unreadable(ValueError):
    """The line cannot be read as what it is; ``str(error)`` speaks of the line, ``hint`` says what to do."""

    hint = "Change the line, or take the member out of it."


class ForeignLine(msgspec.Struct, frozen=True):
    """A line of another batch format: what it is called, the id and body it carries, and the member that holds it.

    ``family`` is what the body is, whatever the line around it: ``openai_chat``, ``anthropic``, or one of OpenAI's
    other endpoints, ``embedding``, ``responses`` and ``completion``.
    """

    title: str
    record_id: str
    family: str
    body: Body
    where: str


def foreign_line(line: dict[str, Any]) -> ForeignLine | None:
    """*line* as a line of OpenAI's or Anthropic's own batch format, ``None`` when it is neither.

    Sources: OpenAI's batch guide (``custom_id, method, url, body``), Anthropic's Message Batches guide (``custom_id,
    params``).
    """
    record_id = line.get("custom_id")
    if not isinstance(record_id, str):
        return None
    for where, title in (("body", "OpenAI batch"), ("params", "Anthropic batch")):
        body = line.get(where)
        if isinstance(body, dict):
            return ForeignLine(title, record_id, _kind(body, str(line.get("url") or ""), where), body, where)
    return None


def _kind(body: Body, url: str, where: str) -> str:
    if "messages" in body:
        is_openai = _looks_openai(body) or (where == "body" and not _looks_anthropic(body))
        return "openai_chat" if is_openai else "anthropic"
    if "prompt" in body:
        return "completion"
    if "input" in body:
        is_responses = url.rstrip("/").endswith("/responses") or "instructions" in body or "max_output_tokens" in body
        return "responses" if is_responses else "embedding"
    return "anthropic" if where == "params" else "openai_chat"


def _looks_openai(body: Body) -> bool:
    roles = [message.get("role") for message in _dicts(body["messages"])]
    return any(role in roles for role in ("system", "developer", "tool")) or any(
        "function" in tool for tool in _dicts(body.get("tools"))
    )


def _looks_anthropic(body: Body) -> bool:
    return bool({"system", "anthropic_version", "stop_sequences", "thinking"} & body.keys()) or any(
        "input_schema" in tool for tool in _dicts(body.get("tools"))
    )


def read_foreign(line: ForeignLine) -> Request:
    """The request of *line* in neutral words; what these have no word for is in its ``extra``.

    Raises :class:`Unreadable` for a part that cannot be read.
    """
    given = {name: value for name, value in line.body.items() if not _says_nothing(name, value)}
    return READERS[line.family](_Members(line.where, given))


def _says_nothing(name: str, value: Any) -> bool:
    return (
        value is None
        or name in LEFT_OUT
        or any((value == silent and type(value) is not bool) or value is silent for silent in NO_EFFECT.get(name, ()))
    )


def _dicts(values: Any) -> Iterator[Body]:
    return (value for value in values if isinstance(value, dict)) if isinstance(values, list) else iter(())


class _Members:
    """The members of an object of the line, taken one by one; the rest is what nobody knew."""

    def __init__(self, path: str, members: Any) -> None:
        if not isinstance(members, dict):
            raise Unreadable(f"Its {path} is not an object.")
        self.path = path
        self.rest = {name: value for name, value in members.items() if value is not None}

    def take(self, name: str, *kinds: type, needed: bool = False) -> Any:
        """The member *name*, ``None`` when it is missing; raises :class:`Unreadable` when it is of another type."""
        value = self.rest.pop(name, None)
        if value is None and needed:
            raise Unreadable(f"Its {self.path}.{name} is missing.")
        is_kind = isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
        if value is not None and not is_kind:
            raise Unreadable(f"Its {self.path}.{name} is not {_KINDS[kinds[0]]}.")
        return value

    def list(self, name: str) -> "list[_Members]":
        """The objects in the list *name*."""
        items = self.take(name, list) or []
        return [_Members(f"{self.path}.{name}[{number}]", item) for number, item in enumerate(items)]

    def end(self) -> None:
        """Raise :class:`Unreadable` for a member that was not taken: it has no place in a record."""
        for name, value in self.rest.items():
            if not _says_nothing(name, value):
                raise Unreadable(f"Its {self.path} has {name}, which has no place in the record.")


_KINDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "an object",
    bool: "a truth value",
}


def _read_chat(body: _Members) -> Request:
    messages = [_chat_message(message) for message in body.list("messages")]
    _must_have(messages, f"{body.path}.messages")
    return _chat_request(body, messages, body.take("max_completion_tokens", int), body.take("max_tokens", int))


def _chat_request(body: _Members, messages: list[Body], *tokens: int | None) -> Request:
    stop = body.take("stop", str, list)
    return Request(
        messages=messages,
        max_tokens=next((count for count in tokens if count is not None), None),
        temperature=body.take("temperature", float, int),
        top_p=body.take("top_p", float, int),
        top_k=body.take("top_k", int),
        stop=[stop] if isinstance(stop, str) else stop or [],
        tools=body.take("tools", list) or [],
        tool_choice=body.take("tool_choice", str, dict),
        extra=body.rest,
    )


def _must_have(messages: list[Body], path: str) -> None:
    if not messages:
        raise Unreadable(f"Its {path} is missing or empty.")


ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})


def _chat_message(message: _Members) -> Body:
    role = message.take("role", str, needed=True)
    if role not in ROLES:
        raise Unreadable(f"Its {message.path}.role is {role}, which has no place in the record.")
    content = message.take("content", str, list)
    found: Body = {"role": "system" if role == "developer" else role}
    found["content"] = _parts(message.path, content) if content and isinstance(content, list) else content or ""
    calls = message.take("tool_calls", list)
    if calls:
        found["tool_calls"] = [
            _call(_Members(f"{message.path}.tool_calls[{at}]", call)) for at, call in enumerate(calls)
        ]
    elif not content:
        raise Unreadable(f"Its {message.path}.content is missing or empty.")
    if role == "tool":
        found["tool_call_id"] = message.take("tool_call_id", str, needed=True)
    for name in ("annotations", "refusal"):  # what an answer carries that is sent back
        if not message.rest.get(name):
            message.rest.pop(name, None)
    message.end()
    return found


def _call(call: _Members) -> Body:
    function = _Members(f"{call.path}.function", call.take("function", dict, needed=True))
    found = {"name": function.take("name", str, needed=True), "arguments": function.take("arguments", str, needed=True)}
    call_id = call.take("id", str, needed=True)
    call.take("type", str)
    function.end()
    call.end()
    return {"id": call_id, "type": "function", "function": found}


def _parts(path: str, parts: list[Any]) -> list[Body]:
    return [_part(_Members(f"{path}.content[{number}]", part)) for number, part in enumerate(parts)]


def _part(part: _Members) -> Body:
    kind = part.take("type", str, needed=True)
    if kind in {"text", "input_text", "output_text"}:
        found: Body = {"type": "text", "text": part.take("text", str, needed=True)}
    elif kind in {"image_url", "input_image"}:
        image = part.take("image_url", dict, str, needed=True)
        image = {"url": image, "detail": part.take("detail", str)} if isinstance(image, str) else image
        inner = _Members(f"{part.path}.image_url", image)
        found = {"type": "image_url", "image_url": {"url": inner.take("url", str, needed=True)}}
        if inner.take("detail", str) not in {None, "auto"}:
            raise Unreadable(f"Its {part.path} sets detail, which has no place in the record.")
        inner.end()
    else:
        raise Unreadable(f"Its {part.path} is of type {kind}, which has no place in the record.")
    if not part.rest.get("annotations"):
        part.rest.pop("annotations", None)
    part.end()
    return found


def _read_embedding(body: _Members) -> Request:
    text, dimensions = _one_text(body, "input"), body.take("dimensions", int)
    return Request(embed=text, dimensions=dimensions, extra=body.rest)


def _one_text(body: _Members, name: str) -> str:
    """A text, or a list of one: a record holds one."""
    value = body.take(name, str, list, needed=True)
    if isinstance(value, str):
        return value
    if len(value) == 1 and isinstance(value[0], str):
        return value[0]
    if value and all(isinstance(item, str) for item in value):
        raise Unreadable(
            f"Its {body.path}.{name} holds {len(value)} texts, and a record holds one: give each its own line."
        )
    raise Unreadable(f"Its {body.path}.{name} is not a text.")


def _read_completion(body: _Members) -> Request:
    messages = [{"role": "user", "content": _one_text(body, "prompt")}]
    return _chat_request(body, messages, body.take("max_tokens", int))


def _read_responses(body: _Members) -> Request:
    instructions, given = body.take("instructions", str), body.rest.get("input")
    if isinstance(given, str):
        messages = [{"role": "user", "content": body.take("input", str)}]
    else:
        messages = [_response_item(item) for item in body.list("input")]
        _must_have(messages, f"{body.path}.input")
    if instructions:
        messages = [{"role": "system", "content": instructions}, *messages]
    reasoning = body.take("reasoning", dict) or {}
    extra = {"reasoning_effort": reasoning["effort"]} if reasoning.keys() == {"effort"} else {"reasoning": reasoning}
    text = body.take("text", dict) or {}
    form = text.get("format") or {}
    if text.keys() == {"format"} and isinstance(form, dict) and form.get("type") == "json_schema":
        extra["response_format"] = {
            "type": "json_schema",
            "json_schema": {k: v for k, v in form.items() if k != "type"},
        }
    elif text:
        extra["text"] = text
    request = _chat_request(body, messages, body.take("max_output_tokens", int))
    request.extra = request.extra | {name: value for name, value in extra.items() if value}
    return request


def _response_item(item: _Members) -> Body:
    kind = item.take("type", str)
    if kind not in {None, "message"}:
        raise Unreadable(f"Its {item.path} is of type {kind}, which has no place in the record.")
    for name in ("id", "status"):
        item.rest.pop(name, None)
    return _chat_message(item)


def _read_anthropic(body: _Members) -> Request:
    system = body.take("system", str, list)
    messages = [turn for message in body.list("messages") for turn in _anthropic_turns(message)]
    _must_have(messages, f"{body.path}.messages")
    if system:
        content = system if isinstance(system, str) else _blocks(f"{body.path}.system", system)
        messages = [{"role": "system", "content": content}, *messages]
    choice = body.take("tool_choice", dict)
    return Request(
        messages=messages,
        max_tokens=body.take("max_tokens", int, needed=True),
        temperature=body.take("temperature", float, int),
        top_p=body.take("top_p", float, int),
        top_k=body.take("top_k", int),
        stop=body.take("stop_sequences", list) or [],
        tools=[_anthropic_tool(tool) for tool in body.list("tools")],
        tool_choice=_anthropic_choice(_Members(f"{body.path}.tool_choice", choice)) if choice else None,
        extra=_anthropic_format(body),
    )


def _anthropic_format(body: _Members) -> Body:
    """The members without a word of their own, with the output's format as OpenAI has it."""
    config = body.take("output_config", dict) or {}
    form = config.get("format") or body.take("output_format", dict)
    others = {name: value for name, value in config.items() if name != "format"}
    extra = body.rest | ({"output_config": others} if others else {})
    if form is None:
        return extra
    schema = _Members(f"{body.path}.output_config.format", form)
    schema.take("type", str)
    found = {"name": "answer", "schema": schema.take("schema", dict, needed=True)}
    schema.end()
    return extra | {"response_format": {"type": "json_schema", "json_schema": found}}


def _anthropic_turns(message: _Members) -> Iterator[Body]:
    role, content = message.take("role", str, needed=True), message.take("content", str, list, needed=True)
    message.end()
    if role not in {"user", "assistant"}:
        raise Unreadable(f"Its {message.path}.role is {role}; it must be user or assistant.")
    if not content:
        raise Unreadable(f"Its {message.path}.content is empty.")
    if isinstance(content, str):
        yield {"role": role, "content": content}
        return
    parts = _blocks(f"{message.path}.content", content)
    yield from (part for part in parts if part.get("role") == "tool")
    calls = [part for part in parts if part.get("type") == "function"]
    said = [part for part in parts if part.get("type") in {"text", "image_url"}]
    if said or calls:
        yield {"role": role, "content": said, **({"tool_calls": calls} if calls else {})}


def _blocks(path: str, blocks: list[Any]) -> list[Body]:
    return [_block(_Members(f"{path}[{number}]", block)) for number, block in enumerate(blocks)]


def _block(block: _Members) -> Body:
    kind = block.take("type", str, needed=True)
    make = _BLOCKS.get(kind)
    if make is None:
        raise Unreadable(f"Its {block.path} is of type {kind}, which has no place in the record.")
    found = make(block)
    block.end()
    return found


def _image_block(block: _Members) -> Body:
    source = _Members(f"{block.path}.source", block.take("source", dict, needed=True))
    if source.take("type", str, needed=True) == "url":
        url = source.take("url", str, needed=True)
    else:
        url = f"data:{source.take('media_type', str, needed=True)};base64,{source.take('data', str, needed=True)}"
    source.end()
    return {"type": "image_url", "image_url": {"url": url}}


def _tool_use_block(block: _Members) -> Body:
    arguments = msgspec.json.encode(block.take("input", dict, needed=True)).decode()
    function = {"name": block.take("name", str, needed=True), "arguments": arguments}
    return {"id": block.take("id", str, needed=True), "type": "function", "function": function}


def _tool_result_block(block: _Members) -> Body:
    content = block.take("content", str, list) or ""
    if isinstance(content, list):
        parts = _blocks(f"{block.path}.content", content)
        if any(part["type"] != "text" for part in parts):
            raise Unreadable(f"Its {block.path} holds more than text, which has no place in the record.")
        content = "\n".join(part["text"] for part in parts)
    if block.rest.get("is_error") is False:
        block.rest.pop("is_error")
    return {"role": "tool", "tool_call_id": block.take("tool_use_id", str, needed=True), "content": content}


_BLOCKS: dict[str, Callable[[_Members], Body]] = {
    "text": lambda block: {"type": "text", "text": block.take("text", str, needed=True)},
    "image": _image_block,
    "tool_use": _tool_use_block,
    "tool_result": _tool_result_block,
}


def _anthropic_tool(tool: _Members) -> Body:
    kind = tool.take("type", str)
    if kind not in {None, "custom"}:
        raise Unreadable(f"Its {tool.path} is of type {kind}, which has no place in the record.")
    function = {
        "name": tool.take("name", str, needed=True),
        "description": tool.take("description", str),
        "parameters": tool.take("input_schema", dict, needed=True),
        "strict": tool.take("strict", bool),
    }
    tool.end()
    return {"type": "function", "function": {name: value for name, value in function.items() if value is not None}}


def _anthropic_choice(choice: _Members) -> Any:
    kind, name = choice.take("type", str, needed=True), choice.take("name", str)
    if choice.rest.get("disable_parallel_tool_use") is False:
        choice.rest.pop("disable_parallel_tool_use")
    choice.end()
    if kind == "tool":
        return {"type": "function", "function": {"name": name}}
    return "required" if kind == "any" else kind


READERS: dict[str, Callable[[_Members], Request]] = {
    "openai_chat": _read_chat,
    "anthropic": _read_anthropic,
    "embedding": _read_embedding,
    "completion": _read_completion,
    "responses": _read_responses,
}
