"""Reads a request of Google's Gemini, from its own batches or Vertex AI's, into a neutral request.

Both spellings of names that Google's JSON allows are read, ``maxOutputTokens`` and ``max_output_tokens``. A part whose
kind has no place in a record is refused by name; a setting without a field of its own is kept for the writer to refuse.
Source: Gemini API reference, GenerateContentRequest, Content, GenerationConfig, Schema, Tool.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from batchconsole.records.families.base import Request
from batchconsole.records.foreign_members import Body, Members, Unreadable, require_messages

_LOW_LINE = re.compile(r"_([a-z])")
_NUMBER_FORMATS = frozenset({"int32", "int64", "float", "double", "enum"})  # repeat what the type says
_SCHEMAS = ("responseJsonSchema", "responseSchema")
_SETTINGS = {  # generation settings with a counterpart in OpenAI's API
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
    "seed": "seed",
    "responseLogprobs": "logprobs",
    "logprobs": "top_logprobs",
    "candidateCount": "n",
}


def read_gemini(body: Members) -> Request:
    given = _members(body.path, body.rest)
    system = given.take("systemInstruction", dict, str)
    turns = _Turns()
    messages = [turn for content in given.list("contents") for turn in turns.of(_members(content.path, content.rest))]
    require_messages(messages, f"{body.path}.contents")
    if system:
        text = system if isinstance(system, str) else _text_of(_members(f"{body.path}.systemInstruction", system))
        messages = [{"role": "system", "content": text}, *messages]
    request = Request(messages=messages, tools=list(_tools(given)), tool_choice=_tool_choice(given))
    _read_config(_members(f"{body.path}.generationConfig", given.take("generationConfig", dict) or {}), request)
    request.extra |= {name: value for name, value in given.rest.items() if value not in ([], {})}
    return request


def read_gemini_embedding(body: Members) -> Request:
    """Read a request of ``embedContent``: one content of text."""
    given = _members(body.path, body.rest)
    text = _text_of(_members(f"{body.path}.content", given.take("content", dict, needed=True)))
    return Request(embed=text, dimensions=given.take("outputDimensionality", int), extra=given.rest)


def _members(path: str, members: Any) -> Members:
    """Return the members of one of Google's objects, with all names in camel case."""
    found = Members(path, members)
    found.rest = {_LOW_LINE.sub(lambda match: match[1].upper(), name): value for name, value in found.rest.items()}
    return found


def _read_config(config: Members, request: Request) -> None:
    """Read the generation settings into *request*."""
    request.max_tokens = config.take("maxOutputTokens", int)
    request.temperature = config.take("temperature", float, int)
    request.top_p = config.take("topP", float, int)
    request.top_k = _whole(config, "topK")
    request.stop = config.take("stopSequences", list) or []
    form = _response_format(config)
    others = {_SETTINGS.get(name, name): value for name, value in config.rest.items()}
    silent = {"n": 1, "responseModalities": ["TEXT"], "logprobs": False}
    request.extra |= {name: value for name, value in others.items() if silent.get(name, ...) != value}
    request.extra |= {"response_format": form} if form else {}


def _whole(config: Members, name: str) -> int | None:
    """Return a count that Google's JSON may write as a fraction. Raises :class:`Unreadable` if it is not whole."""
    value = config.take(name, float, int)
    if isinstance(value, float) and not value.is_integer():
        raise Unreadable(f"Its {config.path}.{name} is not a whole number.")
    return None if value is None else int(value)


def _response_format(config: Members) -> Body | None:
    kind = config.take("responseMimeType", str) or "text/plain"
    schema = next((config.take(name, dict) for name in _SCHEMAS if config.rest.get(name)), None)
    if kind == "text/plain" and schema is None:
        return None
    if kind != "application/json":
        raise Unreadable(f"Its {config.path}.responseMimeType is {kind}, which has no place in the record.")
    if schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": _json_schema(schema, closed=True)}}


def _json_schema(schema: Any, *, closed: bool = False) -> Any:
    """Return Google's schema, with types in capitals, as JSON Schema; *closed* adds additionalProperties: false."""
    if isinstance(schema, list):
        return [_json_schema(item, closed=closed) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found: Body = {}
    for name, value in schema.items():
        if name == "type" and isinstance(value, str):
            found[name] = value.lower()
        elif name == "properties" and isinstance(value, dict):
            found[name] = {inner: _json_schema(below, closed=closed) for inner, below in value.items()}
        elif name in ("items", "anyOf", "prefixItems"):
            found[name] = _json_schema(value, closed=closed)
        elif name not in ("nullable", "propertyOrdering", "property_ordering") and not _says_nothing(name, value):
            found[name] = int(value) if name in ("minItems", "maxItems") and str(value).isdecimal() else value
    if schema.get("nullable") is True and "type" in found:
        found["type"] = [found["type"], "null"]
    if closed and "properties" in found:
        found.setdefault("additionalProperties", False)
    return _ordered(found, schema.get("propertyOrdering") or schema.get("property_ordering"))


def _says_nothing(name: str, value: Any) -> bool:
    return name == "format" and value in _NUMBER_FORMATS


def _ordered(found: Body, order: Any) -> Body:
    """Return *found* with its properties in the order *order*, which models follow."""
    properties = found.get("properties")
    if isinstance(order, list) and isinstance(properties, dict):
        found["properties"] = {name: properties[name] for name in order if name in properties} | properties
    return found


class _Turns:
    """The turns of one conversation. Calls without an id get a number, and answers without one match by name."""

    def __init__(self) -> None:
        self.open: list[tuple[str, str]] = []  # name and id of the calls without an answer
        self.count = 0

    def of(self, content: Members) -> Iterator[Body]:
        """Yield the neutral messages of one content."""
        role = content.take("role", str) or "user"
        if role not in ("user", "model", "function"):
            raise Unreadable(f"Its {content.path}.role is {role}; it must be user or model.")
        said: list[Body] = []
        calls: list[Body] = []
        for part in content.list("parts"):
            part = _members(part.path, part.rest)
            if "functionResponse" in part.rest:
                yield self._answer(part)
            elif "functionCall" in part.rest:
                calls.append(self._call(part))
            else:
                said.append(_part(part))
            part.end()
        content.end()
        if said or calls:
            speaker = "assistant" if role == "model" else "user"
            yield {"role": speaker, "content": said, **({"tool_calls": calls} if calls else {})}

    def _call(self, part: Members) -> Body:
        call = _members(f"{part.path}.functionCall", part.take("functionCall", dict))
        self.count += 1
        name, call_id = call.take("name", str, needed=True), call.take("id", str) or f"call_{self.count}"
        arguments = msgspec.json.encode(call.take("args", dict) or {}).decode()
        call.end()
        self.open.append((name, call_id))
        return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}

    def _answer(self, part: Members) -> Body:
        answer = _members(f"{part.path}.functionResponse", part.take("functionResponse", dict))
        name, call_id = answer.take("name", str, needed=True), answer.take("id", str)
        content = msgspec.json.encode(answer.take("response", dict, needed=True)).decode()
        answer.end()
        asked = next((call for call in self.open if call[1] == call_id or (not call_id and call[0] == name)), None)
        if asked is None:
            raise Unreadable(f"Its {answer.path} answers {name}, which was not called before.")
        self.open.remove(asked)
        return {"role": "tool", "tool_call_id": asked[1], "content": content}


def _part(part: Members) -> Body:
    """Return a text or an image. Raises :class:`Unreadable` with the name of any other part."""
    if part.rest.get("thought"):
        raise Unreadable(f"Its {part.path} is a thought, which has no place in the record.")
    if "text" in part.rest:
        return {"type": "text", "text": part.take("text", str)}
    if "inlineData" in part.rest:
        data = _members(f"{part.path}.inlineData", part.take("inlineData", dict))
        kind, found = data.take("mimeType", str, needed=True), data.take("data", str, needed=True)
        data.end()
        if not kind.startswith("image/"):
            raise Unreadable(f"Its {data.path} is of type {kind}, which has no place in the record.")
        return {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{found}"}}
    names = ", ".join(part.rest) or "nothing"
    raise Unreadable(f"Its {part.path} has {names}, which has no place in the record.")


def _whole_part(part: Members) -> Body:
    found = _part(part)
    part.end()
    return found


def _text_of(content: Members) -> str:
    """Return the text of *content*. Raises :class:`Unreadable` if it contains anything else."""
    content.take("role", str)
    parts = [_whole_part(_members(part.path, part.rest)) for part in content.list("parts")]
    content.end()
    if not parts or any(part["type"] != "text" for part in parts):
        raise Unreadable(f"Its {content.path} is not a text.")
    return "\n".join(part["text"] for part in parts)


def _tools(body: Members) -> Iterator[Body]:
    for tool in body.list("tools"):
        given = _members(tool.path, tool.rest)
        for function in given.list("functionDeclarations"):
            yield {"type": "function", "function": _function(_members(function.path, function.rest))}
        given.end()


def _function(function: Members) -> Body:
    name, description = function.take("name", str, needed=True), function.take("description", str)
    schema = function.take("parametersJsonSchema", dict) or function.take("parameters", dict)
    function.end()
    described = {"description": description} if description else {}
    return {"name": name, **described, **({"parameters": _json_schema(schema)} if schema else {})}


def _tool_choice(body: Members) -> Any:
    given = _members(f"{body.path}.toolConfig", body.take("toolConfig", dict) or {})
    config = _members(f"{given.path}.functionCallingConfig", given.take("functionCallingConfig", dict) or {})
    given.end()
    mode, names = (config.take("mode", str) or "auto").lower(), config.take("allowedFunctionNames", list) or []
    config.end()
    if mode not in ("auto", "any", "none"):
        raise Unreadable(f"Its {config.path}.mode is {mode}, which has no place in the record.")
    if mode == "any" and len(names) == 1:
        return {"type": "function", "function": {"name": names[0]}}
    if names:
        raise Unreadable(f"Its {config.path} has allowedFunctionNames, which has no place in the record.")
    return {"any": "required", "none": "none"}.get(mode)
