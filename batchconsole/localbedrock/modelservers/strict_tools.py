"""Turn strict tools that must be called into an output schema, and the answer back into a tool call."""

from typing import Any
from uuid import uuid4

import msgspec

from batchconsole.records.families.base import Completion, Request
from batchconsole.records.families.response_formats import schema_format

ANY_OBJECT = {"type": "object"}
Function = dict[str, Any]


def must_be_called(request: Request) -> list[Function]:
    """Return the strict functions one of which must be called, or an empty list if the model may answer otherwise."""
    functions = [tool["function"] for tool in request.tools if isinstance(tool.get("function"), dict)]
    choice = request.tool_choice
    if isinstance(choice, dict) and isinstance(choice.get("function"), dict):
        functions = [function for function in functions if function["name"] == choice["function"].get("name")]
    elif choice != "required":
        return []
    return functions if all(function.get("strict") for function in functions) else []


def as_output_schema(request: Request, functions: list[Function]) -> Request:
    """Change *request* to ask for the arguments of the only function, or for the name and arguments of one of them."""
    single = len(functions) == 1
    schema = _parameters(functions[0]) if single else {"anyOf": [_call_schema(function) for function in functions]}
    what = "the arguments of a call of this function" if single else "a call of one of these functions"
    told = f"Answer with {what}, as JSON: {msgspec.json.encode(functions).decode()}"
    return msgspec.structs.replace(
        request,
        messages=_with_instruction(request.messages, told),
        tools=[],
        tool_choice=None,
        response_format=schema_format(_lifted(schema, functions)),
    )


def as_call(completion: Completion, functions: list[Function]) -> Completion:
    """Turn *completion*, the answer to a request of :func:`as_output_schema`, into a tool call.

    Arguments may be truncated. If there are several *functions*, an answer that is not a complete call stays text.
    """
    name, arguments = functions[0]["name"], completion.text
    if len(functions) > 1:
        try:
            call = msgspec.json.decode(completion.text)
            name, arguments = call["name"], msgspec.json.encode(call["arguments"]).decode()
        except (msgspec.DecodeError, KeyError, TypeError):
            return completion
    call = {"id": f"call_{uuid4().hex}", "type": "function", "function": {"name": name, "arguments": arguments}}
    reason = "tool_use" if completion.stop_reason == "end_turn" else completion.stop_reason
    return msgspec.structs.replace(completion, text="", tool_calls=[call], stop_reason=reason)


def _parameters(function: Function) -> dict[str, Any]:
    return function.get("parameters") or ANY_OBJECT


def _call_schema(function: Function) -> dict[str, Any]:
    arguments = {key: value for key, value in _parameters(function).items() if key not in ("$defs", "definitions")}
    return {
        "type": "object",
        "properties": {"name": {"const": function["name"]}, "arguments": arguments},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _lifted(schema: dict[str, Any], functions: list[Function]) -> dict[str, Any]:
    """Return *schema* with the definitions of all functions at its root, where references expect them."""
    for key in ("$defs", "definitions"):
        found = [
            _parameters(function)[key] for function in functions if isinstance(_parameters(function).get(key), dict)
        ]
        if found and key not in schema:
            schema = schema | {key: {name: value for definitions in found for name, value in definitions.items()}}
    return schema


def _with_instruction(messages: list[dict[str, Any]], told: str) -> list[dict[str, Any]]:
    """Return *messages* with *told* at the end of the system prompt, which is added if there is none."""
    if messages and messages[0].get("role") == "system" and isinstance(messages[0].get("content"), str):
        return [messages[0] | {"content": f"{messages[0]['content']}\n\n{told}"}, *messages[1:]]
    return [{"role": "system", "content": told}, *messages]
