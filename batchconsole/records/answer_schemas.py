"""Whether an answer matches the schemas in its own request, and the columns that these schemas define.

A request may have an output schema, which its answer must match, and strict tools, whose schemas their calls must
match. Schemas are untrusted input: no reference is fetched, and whatever could take long (recursion, huge schemas,
answers of megabytes) is not judged at all. Patterns are matched in linear time.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from batchconsole.records.asked_schemas import FORMATS, NOTHING, TOOLS, Asked, schema_in, tools_in
from batchconsole.records.families.answers import as_json
from batchconsole.records.families.base import Call
from batchconsole.records.parsed_schemas import Schema

MOST_ANSWER_CHARACTERS = 2**20
MOST_COST = 50_000_000  # parts of the schema times characters of the answer: a quarter of a second at worst
KEPT_SCHEMAS = 256
KEPT_WEIGHT = 200_000  # total parts of the kept schemas, including their JSON text at BYTES_A_PART bytes per part
BYTES_A_PART = 32
MOST_PROBLEM_CHARACTERS = 300

NOT_JSON = "The answer is not JSON."
CUT_OFF = "The answer is not whole JSON: it was cut off at the limit of output tokens."
REFUSED = "The model refused to answer."
INPUT_NOT_JSON = "The input is not JSON."
INPUT_CUT_OFF = "The input is not whole: it was cut off at the limit of output tokens."
CUT_REASONS = frozenset({"max_tokens", "length", "MAX_TOKENS", "LENGTH", "model_context_window_exceeded"})
REFUSAL_REASONS = frozenset({"refusal", "content_filter", "content_filtered", "guardrail_intervened"})
# The model waits for the result of a tool, so it has not answered yet.
CALL_REASONS = frozenset({"tool_use", "tool_calls"})


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an answer matches its schema; if not, ``path`` (``$.items[2].price``) and ``problem`` say where and why.

    ``tool`` names the strict tool whose input does not match; the path is then one in that input.
    """

    matches: bool
    path: str = ""
    problem: str = ""
    tool: str = ""


MATCHES = Fit(matches=True)


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
        for name in FORMATS:
            raw = getattr(asked, name)
            found: Schema | None = None if raw is NOTHING else self._known(name, bytes(raw), schema_in)
            if found is not None:
                return found
        return None

    def tools(self, asked: Asked) -> dict[str, Schema]:
        """Return the schemas of a request's strict tools, by tool name."""
        found: dict[str, Schema] = {}
        for name in TOOLS:
            raw = getattr(asked, name)
            if raw is not NOTHING:
                found |= self._known(name, bytes(raw), tools_in)
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
