"""Reads a body of OpenAI's API from a batch line into a neutral request: chat, embeddings, completions, responses."""

from typing import Any

from batchconsole.records.families.base import Request
from batchconsole.records.foreign_members import Body, Members, Unreadable, require_messages


def read_chat(body: Members) -> Request:
    messages = [_chat_message(message) for message in body.list("messages")]
    require_messages(messages, f"{body.path}.messages")
    return _chat_request(body, messages, body.take("max_completion_tokens", int), body.take("max_tokens", int))


def _chat_request(body: Members, messages: list[Body], *tokens: int | None) -> Request:
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


ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})


def _chat_message(message: Members) -> Body:
    role = message.take("role", str, needed=True)
    if role not in ROLES:
        raise Unreadable(f"Its {message.path}.role is {role}, which has no place in the record.")
    content = message.take("content", str, list)
    found: Body = {"role": "system" if role == "developer" else role}
    found["content"] = _parts(message.path, content) if content and isinstance(content, list) else content or ""
    calls = message.take("tool_calls", list)
    if calls:
        found["tool_calls"] = [
            _call(Members(f"{message.path}.tool_calls[{at}]", call)) for at, call in enumerate(calls)
        ]
    elif not content:
        raise Unreadable(f"Its {message.path}.content is missing or empty.")
    if role == "tool":
        found["tool_call_id"] = message.take("tool_call_id", str, needed=True)
    for name in ("annotations", "refusal"):  # members of an answer that is sent back
        if not message.rest.get(name):
            message.rest.pop(name, None)
    message.end()
    return found


def _call(call: Members) -> Body:
    function = Members(f"{call.path}.function", call.take("function", dict, needed=True))
    found = {"name": function.take("name", str, needed=True), "arguments": function.take("arguments", str, needed=True)}
    call_id = call.take("id", str, needed=True)
    call.take("type", str)
    function.end()
    call.end()
    return {"id": call_id, "type": "function", "function": found}


def _parts(path: str, parts: list[Any]) -> list[Body]:
    return [_part(Members(f"{path}.content[{number}]", part)) for number, part in enumerate(parts)]


def _part(part: Members) -> Body:
    kind = part.take("type", str, needed=True)
    if kind in {"text", "input_text", "output_text"}:
        found: Body = {"type": "text", "text": part.take("text", str, needed=True)}
    elif kind in {"image_url", "input_image"}:
        image = part.take("image_url", dict, str, needed=True)
        image = {"url": image, "detail": part.take("detail", str)} if isinstance(image, str) else image
        inner = Members(f"{part.path}.image_url", image)
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


def read_embedding(body: Members) -> Request:
    text, dimensions = _one_text(body, "input"), body.take("dimensions", int)
    return Request(embed=text, dimensions=dimensions, extra=body.rest)


def _one_text(body: Members, name: str) -> str:
    """Take a text, or a list of one text, because a record holds only one."""
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


def read_completion(body: Members) -> Request:
    messages = [{"role": "user", "content": _one_text(body, "prompt")}]
    return _chat_request(body, messages, body.take("max_tokens", int))


def read_responses(body: Members) -> Request:
    instructions, given = body.take("instructions", str), body.rest.get("input")
    if isinstance(given, str):
        messages = [{"role": "user", "content": body.take("input", str)}]
    else:
        messages = [_response_item(item) for item in body.list("input")]
        require_messages(messages, f"{body.path}.input")
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


def _response_item(item: Members) -> Body:
    kind = item.take("type", str)
    if kind not in {None, "message"}:
        raise Unreadable(f"Its {item.path} is of type {kind}, which has no place in the record.")
    for name in ("id", "status"):
        item.rest.pop(name, None)
    return _chat_message(item)
