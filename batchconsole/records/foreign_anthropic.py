"""Reads a body of Anthropic's Messages API, from a Message Batches line, into a neutral request."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from batchconsole.records.families.base import Request
from batchconsole.records.foreign_members import Body, Members, Unreadable, require_messages


def read_anthropic(body: Members) -> Request:
    system = body.take("system", str, list)
    messages = [turn for message in body.list("messages") for turn in _anthropic_turns(message)]
    require_messages(messages, f"{body.path}.messages")
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
        tool_choice=_anthropic_choice(Members(f"{body.path}.tool_choice", choice)) if choice else None,
        extra=_anthropic_format(body),
    )


def _anthropic_format(body: Members) -> Body:
    """Return the members without a field of their own, and the output format in OpenAI's form."""
    config = body.take("output_config", dict) or {}
    form = config.get("format") or body.take("output_format", dict)
    others = {name: value for name, value in config.items() if name != "format"}
    extra = body.rest | ({"output_config": others} if others else {})
    if form is None:
        return extra
    schema = Members(f"{body.path}.output_config.format", form)
    schema.take("type", str)
    found = {"name": "answer", "schema": schema.take("schema", dict, needed=True)}
    schema.end()
    return extra | {"response_format": {"type": "json_schema", "json_schema": found}}


def _anthropic_turns(message: Members) -> Iterator[Body]:
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
    return [_block(Members(f"{path}[{number}]", block)) for number, block in enumerate(blocks)]


def _block(block: Members) -> Body:
    kind = block.take("type", str, needed=True)
    make = _BLOCKS.get(kind)
    if make is None:
        raise Unreadable(f"Its {block.path} is of type {kind}, which has no place in the record.")
    found = make(block)
    block.end()
    return found


def _image_block(block: Members) -> Body:
    source = Members(f"{block.path}.source", block.take("source", dict, needed=True))
    if source.take("type", str, needed=True) == "url":
        url = source.take("url", str, needed=True)
    else:
        url = f"data:{source.take('media_type', str, needed=True)};base64,{source.take('data', str, needed=True)}"
    source.end()
    return {"type": "image_url", "image_url": {"url": url}}


def _tool_use_block(block: Members) -> Body:
    arguments = msgspec.json.encode(block.take("input", dict, needed=True)).decode()
    function = {"name": block.take("name", str, needed=True), "arguments": arguments}
    return {"id": block.take("id", str, needed=True), "type": "function", "function": function}


def _tool_result_block(block: Members) -> Body:
    content = block.take("content", str, list) or ""
    if isinstance(content, list):
        parts = _blocks(f"{block.path}.content", content)
        if any(part["type"] != "text" for part in parts):
            raise Unreadable(f"Its {block.path} holds more than text, which has no place in the record.")
        content = "\n".join(part["text"] for part in parts)
    if block.rest.get("is_error") is False:
        block.rest.pop("is_error")
    return {"role": "tool", "tool_call_id": block.take("tool_use_id", str, needed=True), "content": content}


_BLOCKS: dict[str, Callable[[Members], Body]] = {
    "text": lambda block: {"type": "text", "text": block.take("text", str, needed=True)},
    "image": _image_block,
    "tool_use": _tool_use_block,
    "tool_result": _tool_result_block,
}


def _anthropic_tool(tool: Members) -> Body:
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


def _anthropic_choice(choice: Members) -> Any:
    kind, name = choice.take("type", str, needed=True), choice.take("name", str)
    if choice.rest.get("disable_parallel_tool_use") is False:
        choice.rest.pop("disable_parallel_tool_use")
    choice.end()
    if kind == "tool":
        return {"type": "function", "function": {"name": name}}
    return "required" if kind == "any" else kind
