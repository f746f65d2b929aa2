"""Members of a Converse response that depend on what the request asked for."""

import re
from typing import Any

from batchconsole.records.families import family_for
from batchconsole.records.families.base import Completion, Refusal

SAID_BACK = ("performanceConfig", "serviceTier")
JSON_POINTER = re.compile(r"(/([^~/]|~[01])*)+")  # RFC 6901, without the empty pointer, which Converse refuses.
_ABSENT = object()


def check_paths(body: dict[str, Any]) -> None:
    """Raise :class:`Refusal` if a path of an additional response field is not a JSON pointer."""
    for number, path in enumerate(body.get("additionalModelResponseFieldPaths") or ()):
        if not isinstance(path, str) or not JSON_POINTER.fullmatch(path):
            raise Refusal(
                f"The path {path} in additionalModelResponseFieldPaths is not a valid JSON Pointer.",
                path=f"$.additionalModelResponseFieldPaths[{number}]",
            )


def said_back(body: dict[str, Any], completion: Completion, *, model_id: str) -> dict[str, Any]:
    """Return what Converse adds to its response to *body*, without requested fields that the model's answer lacks."""
    members = {name: body[name] for name in SAID_BACK if body.get(name) is not None}
    paths = body.get("additionalModelResponseFieldPaths")
    family = family_for(model_id, "InvokeModel") if paths else None
    if not paths or family is None or completion.embedding is not None:
        return members
    answer = family.write_response({"messages": []}, completion, model_id=model_id)
    found: dict[str, Any] = {}
    for path in paths:
        steps = [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]
        if (value := _value_at(answer, steps)) is not _ABSENT:
            _put(found, steps, value)
    return members | ({"additionalModelResponseFields": found} if found else {})


def _value_at(node: Any, steps: list[str]) -> Any:
    for step in steps:
        if isinstance(node, dict):
            node = node.get(step, _ABSENT)
        elif isinstance(node, list) and step.isdecimal() and int(step) < len(node):
            node = node[int(step)]
        else:
            return _ABSENT
    return node


def _put(target: dict[str, Any], steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        below = target.setdefault(step, {})
        if not isinstance(below, dict):
            return  # a shorter path has already copied this whole value
        target = below
    target[steps[-1]] = value
