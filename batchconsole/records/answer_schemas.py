"""Whether an answer matches the schemas in its own request, and the columns that these schemas define.

A request may have an output schema, which its answer must match, and strict tools, whose schemas their calls must
match. Schemas are untrusted input: no reference is fetched, and whatever could take long (recursion, huge schemas,
answers of megabytes) is not judged at all. Patterns are matched in linear time.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, Protocol

import jsonschema_rs
import msgspec

from batchconsole.records.families.answers import as_json
from batchconsole.records.families.base import Call
from batchconsole.records.families.response_formats import claude_format, converse_format
from batchconsole.records.repair import BROKEN

MOST_SCHEMA_BYTES = 256 * 1024
MOST_SCHEMA_DEPTH = 60  # the validator itself gives up at 255 levels
MOST_WEIGHT = 20_000  # parts of a schema after every reference is expanded
PATTERN_WEIGHT = 200
PATTERN_BYTES = 2**17  # size limit of a compiled pattern
MOST_ANSWER_CHARACTERS = 2**20
MOST_COST = 50_000_000  # parts of the schema times characters of the answer: a quarter of a second at worst
KEPT_SCHEMAS = 256
KEPT_WEIGHT = 200_000  # total parts of the kept schemas, including their JSON text at BYTES_A_PART bytes per part
BYTES_A_PART = 32
MOST_COLUMNS = 100
MOST_NAME_CHARACTERS = 200
MOST_PROBLEM_CHARACTERS = 300
INT64 = range(-(2**63), 2**63)

Kind = Literal["string", "integer", "number", "boolean", "json"]
NOTHING = msgspec.Raw(b"")
NOT_JSON = "The answer is not JSON."
CUT_OFF = "The answer is not whole JSON: it was cut off at the limit of output tokens."
REFUSED = "The model refused to answer."
INPUT_NOT_JSON = "The input is not JSON."
INPUT_CUT_OFF = "The input is not whole: it was cut off at the limit of output tokens."
CUT_REASONS = frozenset({"max_tokens", "length", "MAX_TOKENS", "LENGTH", "model_context_window_exceeded"})
REFUSAL_REASONS = frozenset({"refusal", "content_filter", "content_filtered", "guardrail_intervened"})
# The model waits for the result of a tool, so it has not answered yet.
CALL_REASONS = frozenset({"tool_use", "tool_calls"})


class Asked(msgspec.Struct, gc=False):
    """The members of a request body that may hold a schema, as raw JSON."""

    converse: msgspec.Raw = msgspec.field(default=NOTHING, name="outputConfig")
    claude: msgspec.Raw = msgspec.field(default=NOTHING, name="output_config")
    claude_old: msgspec.Raw = msgspec.field(default=NOTHING, name="output_format")
    chat: msgspec.Raw = msgspec.field(default=NOTHING, name="response_format")
    additional: msgspec.Raw = msgspec.field(default=NOTHING, name="additionalModelRequestFields")
    tools: msgspec.Raw = NOTHING
    tool_config: msgspec.Raw = msgspec.field(default=NOTHING, name="toolConfig")


class Column(msgspec.Struct, frozen=True):
    """A field of the answers, as the schemas define it. ``json`` is any JSON, shown as text."""

    name: str
    kind: Kind


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an answer matches its schema; if not, ``path`` (``$.items[2].price``) and ``problem`` say where and why.

    ``tool`` names the strict tool whose input does not match; the path is then one in that input.
    """

    matches: bool
    path: str = ""
    problem: str = ""
    tool: str = ""


MATCHES = Fit(matches=True)


class Unjudgeable(Exception):
    """A schema that answers are not judged by."""


class Schema(msgspec.Struct, frozen=True):
    """One distinct schema, ready for judging; without a validator if it is too large, recursive or invalid."""

    validator: Any
    weight: int
    columns: tuple[Column, ...]


class Spoken(Protocol):
    """The part of an answer that is judged: its text, its tool calls, and why the model stopped."""

    @property
    def text(self) -> str: ...
    @property
    def calls(self) -> Sequence[Call]: ...
    @property
    def stop_reason(self) -> str | None: ...


class Verdict(msgspec.Struct, frozen=True):
    """The schemas that an answer is judged by; ``fit`` is ``None`` if that is not possible."""

    schemas: tuple[Schema, ...]
    fit: Fit | None


class Judge:
    """Judges the answers of a job. Each distinct schema is parsed once, unless there are too many to keep."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, bytes], Any] = {}
        self._weight = 0

    def verdict(self, asked: Asked | None, spoken: Spoken) -> Verdict | None:
        """Judge *spoken* by the schemas of its request; ``None`` without an output schema and calls to strict tools.

        If the answer calls strict tools, only the calls are judged, because the model has not answered yet.
        """
        if asked is None:
            return None
        schema, tools = self.schema(asked), self.tools(asked) if spoken.calls else {}
        called = [(tools[call.name], call) for call in spoken.calls if call.name in tools]
        if not called:
            return Verdict((schema,), self.judge(schema, spoken.text, spoken.stop_reason)) if schema else None
        fits = [_judge_call(tool, call, spoken.stop_reason) for tool, call in called]
        worst = next((fit for fit in fits if fit is not None and not fit.matches), None if None in fits else MATCHES)
        return Verdict((*((schema,) if schema else ()), *(tool for tool, _ in called)), worst)

    def schema(self, asked: Asked) -> Schema | None:
        """Return the output schema of a request; ``None`` if it has none."""
        for name in _FORMATS:
            raw = getattr(asked, name)
            found: Schema | None = None if raw is NOTHING else self._known(name, bytes(raw), _schema_in)
            if found is not None:
                return found
        return None

    def tools(self, asked: Asked) -> dict[str, Schema]:
        """Return the schemas of a request's strict tools, by tool name."""
        found: dict[str, Schema] = {}
        for name in _TOOLS:
            raw = getattr(asked, name)
            if raw is not NOTHING:
                found |= self._known(name, bytes(raw), _tools_in)
        return found

    def _known(self, name: str, text: bytes, read: Callable[[str, bytes], tuple[Any, int]]) -> Any:
        """Return what *read* makes of the member *name* with the JSON *text*, from the cache if possible."""
        key = (f"{read.__name__} {name}", text)
        if key in self._kept:
            return self._kept[key]
        found, weight = read(name, text)
        weight += len(text) // BYTES_A_PART
        if len(self._kept) >= KEPT_SCHEMAS or self._weight + weight > KEPT_WEIGHT:
            self._kept.clear()
            self._weight = 0
        if weight <= KEPT_WEIGHT:
            self._kept[key] = found
            self._weight += weight
        return found

    def judge(self, schema: Schema, text: str, stop_reason: str | None) -> Fit | None:
        """Return whether the answer *text* matches *schema*; ``None`` if that cannot be decided."""
        return None if stop_reason in CALL_REASONS else _judge_text(schema, text, stop_reason)


def _judge_text(schema: Schema, text: str, stop_reason: str | None) -> Fit | None:
    if schema.validator is None or len(text) > MOST_ANSWER_CHARACTERS or schema.weight * len(text) > MOST_COST:
        return None
    try:
        value = _decoded(text)
    except (ValueError, RecursionError):
        return _not_json(stop_reason)
    try:
        return MATCHES if schema.validator.is_valid(value) else _misfit(schema.validator, value)
    except ValueError:  # nested more deeply than the validator supports
        return None


def _judge_call(schema: Schema, call: Call, stop_reason: str | None) -> Fit | None:
    """Return whether the input of *call* matches the *schema* of its tool; ``None`` if that cannot be decided."""
    text = call.arguments if isinstance(call.arguments, str) else as_json(call.arguments)
    fit = _judge_text(schema, text, stop_reason)
    if fit is None or fit.matches:
        return fit
    problem = INPUT_CUT_OFF if stop_reason in CUT_REASONS else fit.problem
    problem = INPUT_NOT_JSON if problem in (NOT_JSON, REFUSED) else problem
    return Fit(matches=False, path=fit.path, problem=f"{problem} (tool {call.name})", tool=call.name)


def read_answer_fields(text: str, calls: Sequence[Call] = ()) -> dict[str, Any]:
    """Return the top-level fields of an answer that is a JSON object, or of its first call's input; otherwise none."""
    found = _fields_of(text)
    if found or not calls:
        return found
    arguments = calls[0].arguments
    return arguments if isinstance(arguments, dict) else _fields_of(arguments) if isinstance(arguments, str) else {}


def _fields_of(text: str) -> dict[str, Any]:
    if not text.lstrip().startswith("{") or len(text) > MOST_ANSWER_CHARACTERS:
        return {}
    try:
        value = _decoded(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _decoded(text: str) -> Any:
    """Return the JSON value of *text*. Half a surrogate pair, escaped, is legal JSON (RFC 8259, section 8.2)."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        value = json.loads(text, parse_constant=_no_constant)
        return msgspec.json.decode(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON.")


Cell = str | int | float | bool | None


def cell(value: Any, kind: Kind) -> Cell:
    """Return *value* as a cell of a column of that *kind*; ``None`` if it is null or of another type."""
    if value is None:
        return None
    return _CELLS[kind](value)


def merged(columns: dict[str, Kind], more: Iterable[Column]) -> None:
    """Add *more* to *columns*. A field with two types becomes a number if both are numeric, and text otherwise."""
    for column in more:
        known = columns.get(column.name)
        if known is None and len(columns) < MOST_COLUMNS:
            columns[column.name] = column.kind
        elif known is not None and known != column.kind:
            columns[column.name] = "number" if {known, column.kind} == {"integer", "number"} else "json"


def _not_json(stop_reason: str | None) -> Fit:
    problem = CUT_OFF if stop_reason in CUT_REASONS else REFUSED if stop_reason in REFUSAL_REASONS else NOT_JSON
    return Fit(matches=False, path="$", problem=problem)


def _misfit(validator: Any, value: Any) -> Fit | None:
    error = next(validator.iter_errors(value), None)
    if error is None:
        return None
    path = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
    return Fit(matches=False, path=_shown(path), problem=_shown(error.message))


def _shown(text: str) -> str:
    """Return *text*, shortened for storage and without half surrogate pairs."""
    return text[:MOST_PROBLEM_CHARACTERS].encode("utf-8", "replace").decode()


# The output schema in a request.


def _chat_schema(value: Any) -> Any:
    inner = value.get("json_schema") if isinstance(value, dict) else None
    return inner.get("schema") if isinstance(inner, dict) else None


def _of_format(found: dict[str, Any] | None) -> Any:
    return _chat_schema(found) if found else None


_FORMATS: dict[str, Callable[[Any], Any]] = {
    "converse": lambda value: _of_format(converse_format(value)) if isinstance(value, dict) else None,
    "claude": lambda value: _of_format(claude_format(value, None)),
    "claude_old": lambda value: _of_format(claude_format(None, value)),
    "chat": _chat_schema,
    "additional": lambda value: (
        _of_format(claude_format(value.get("output_config"), value.get("output_format")))
        if isinstance(value, dict)
        else None
    ),
}


def _schema_in(name: str, text: bytes) -> tuple[Schema | None, int]:
    """Return the output schema in the member *name* with the JSON *text*, ``None`` if it has none, and its weight."""
    if len(text) > MOST_SCHEMA_BYTES:
        return Schema(None, 1, ()), 1
    try:
        found = _FORMATS[name](msgspec.json.decode(text))
    except (*BROKEN, ValueError):
        return Schema(None, 1, ()), 1
    schema = parse_schema(found) if isinstance(found, dict) else None
    return schema, schema.weight if schema else 1


# The strict tools in a request.


def _tools_in(name: str, text: bytes) -> tuple[dict[str, Schema], int]:
    """Return the schemas of the strict tools in the member *name* with the JSON *text*, and their weight."""
    if len(text) > MOST_SCHEMA_BYTES:
        return {}, 1
    try:
        given = _TOOLS[name](msgspec.json.decode(text))
    except (*BROKEN, ValueError):
        return {}, 1
    found = dict(filter(None, map(_strict_tool, given if isinstance(given, list) else ())))
    schemas = {tool: parse_schema(schema) for tool, schema in found.items()}
    return schemas, 1 + sum(schema.weight for schema in schemas.values())


def _strict_tool(given: Any) -> tuple[str, dict[str, Any]] | None:
    """Return the name and schema of a strict tool: flat (Claude's), or in ``function`` (OpenAI) or ``toolSpec``."""
    outer = given if isinstance(given, dict) else {}
    tool = next((outer[name] for name in ("function", "toolSpec") if isinstance(outer.get(name), dict)), outer)
    schema = next((tool[name] for name in ("input_schema", "parameters", "inputSchema") if name in tool), None)
    if "inputSchema" in tool:
        schema = schema.get("json") if isinstance(schema, dict) else None
    name = tool.get("name")
    return (name, schema) if tool.get("strict") is True and isinstance(name, str) and isinstance(schema, dict) else None


_TOOLS: dict[str, Callable[[Any], Any]] = {
    "tools": lambda value: value,
    "tool_config": lambda value: value.get("tools") if isinstance(value, dict) else None,
    "additional": lambda value: value.get("tools") if isinstance(value, dict) else None,
}


def parse_schema(schema: dict[str, Any]) -> Schema:
    """Prepare *schema* for judging."""
    schema = {name: value for name, value in schema.items() if name not in ("$schema", "$id")}
    try:
        weight = _Weight(schema).total()
        validator = jsonschema_rs.Draft202012Validator(
            schema,
            validate_formats=True,
            retriever=_fetch_nothing,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=PATTERN_BYTES, dfa_size_limit=PATTERN_BYTES),
        )
    except (Unjudgeable, ValueError, RecursionError):  # a ValidationError is also a ValueError
        return Schema(None, 1, tuple(_columns(schema)))
    return Schema(validator, weight, tuple(_columns(schema)))


def _fetch_nothing(uri: str) -> Any:
    raise ValueError(f"{uri} is outside of the schema.")


class _Weight:
    """Counts the parts of a schema after every reference is expanded."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema
        self.known: dict[str, int] = {}
        self.open: set[str] = set()

    def total(self) -> int:
        """Return the count. Raises :class:`Unjudgeable` for recursion, excessive size, or external references."""
        return self._of(self.schema, 0)

    def _of(self, node: Any, depth: int) -> int:
        if depth > MOST_SCHEMA_DEPTH:
            raise Unjudgeable
        weight = 1
        for name, value in _members(node):
            if name == "$ref" and isinstance(value, str):
                weight += self._of_reference(value, depth)
            elif name in _LEADS_ELSEWHERE and isinstance(value, str):
                raise Unjudgeable
            elif isinstance(value, dict | list):
                weight += self._of(value, depth + 1)
            weight += PATTERN_WEIGHT if name in _PATTERNS else 1
            if weight > MOST_WEIGHT:
                raise Unjudgeable
        return weight

    def _of_reference(self, reference: str, depth: int) -> int:
        if reference in self.open or not reference.startswith("#/"):
            raise Unjudgeable
        if reference not in self.known:
            self.open.add(reference)
            self.known[reference] = self._of(_target(self.schema, reference), depth + 1)
            self.open.discard(reference)
        return self.known[reference]


_LEADS_ELSEWHERE = frozenset({"$dynamicRef", "$recursiveRef", "$id", "$anchor", "$dynamicAnchor"})
_PATTERNS = frozenset({"pattern", "patternProperties"})


def _members(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        yield from node.items()
    elif isinstance(node, list):
        yield from (("", item) for item in node)


def _target(schema: Any, reference: str) -> Any:
    node = schema
    for step in reference.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        node = node.get(name) if isinstance(node, dict) else None
    return node


# Columns.


def _columns(schema: dict[str, Any]) -> Iterator[Column]:
    """Yield the top-level fields that *schema* defines."""
    properties = _resolved(schema, schema).get("properties")
    for name, node in list(properties.items() if isinstance(properties, dict) else ())[:MOST_COLUMNS]:
        if len(name) <= MOST_NAME_CHARACTERS:
            yield Column(name, _kind(schema, node))


def _resolved(schema: dict[str, Any], node: Any) -> dict[str, Any]:
    """Return what *node* stands for: its reference's target, its only alternative to null, its only part, or itself."""
    for _ in range(MOST_SCHEMA_DEPTH):
        if not isinstance(node, dict):
            return {}
        reference = node.get("$ref")
        alternatives = [item for item in _list(node, "anyOf") + _list(node, "allOf") if item != {"type": "null"}]
        if isinstance(reference, str) and reference.startswith("#/"):
            node = _target(schema, reference)
        elif "type" not in node and len(alternatives) == 1:
            node = alternatives[0]
        else:
            return node
    return {}


def _list(node: dict[str, Any], name: str) -> list[Any]:
    found = node.get(name)
    return found if isinstance(found, list) else []


def _kind(schema: dict[str, Any], node: Any) -> Kind:
    node = _resolved(schema, node)
    given = node.get("type")
    if given is None:
        given = [_type_of(value) for value in [*_list(node, "enum"), *([node["const"]] if "const" in node else [])]]
    names = {name for name in (given if isinstance(given, list) else [given]) if isinstance(name, str)} - {"null"}
    if names == {"integer", "number"}:
        return "number"
    found = names.pop() if len(names) == 1 else "json"
    return found if found in ("string", "integer", "number", "boolean") else "json"  # type: ignore[return-value] # one of Kind


def _type_of(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
    return names.get(type(value), "json")


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _as_integer(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value in INT64 else None


def _as_number(value: Any) -> float | None:
    try:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    except OverflowError:
        return None


_CELLS: dict[Kind, Callable[[Any], Cell]] = {
    "string": _as_text,
    "json": _as_text,
    "integer": _as_integer,
    "number": _as_number,
    "boolean": lambda value: value if isinstance(value, bool) else None,
}
