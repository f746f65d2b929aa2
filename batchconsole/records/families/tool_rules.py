"""Rules for tools, shared by Claude's own body and Converse.

=================== ============================================================ ====================================
what                rule                                                         source
=================== ============================================================ ====================================
name                ``[a-zA-Z0-9_-]{1,128}`` (Converse: 64), unique              Anthropic, Tool use
tool blocks         need ``tools`` (Converse: ``toolConfig``)                    Anthropic and Converse error messages
use and result      each use has exactly one result in the next turn, and each   the same
                    result its use in the turn before; ids are unique
input schema        of an object; for Claude no top-level ``oneOf``, ``allOf``   refused in the field: senpi issue
                    or ``anyOf``                                                 1947, trycua/cua issue 3303
=================== ============================================================ ====================================

Refusals use the wording of the request's own format: Claude's, or that of Converse, which checks before the model does.
Converse's wordings come from field reports: "Expected toolResult blocks at ... for the following Ids: ...", "The
number of toolResult blocks at ... exceeds ...", "The toolUse blocks at ... contain duplicate Ids: ...", and "The tool
... is already defined at ...".
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise
from typing import Any, Protocol

import msgspec

from batchconsole.records.families.faults import Fault, rule
from batchconsole.records.families.paths import dotted, steps


class Turn(msgspec.Struct, frozen=True):
    """One message, or several merged into one turn: the ids of its tool uses and tool results, each with its path."""

    role: str
    path: str
    uses: tuple[tuple[str, str], ...] = ()  # id, path
    results: tuple[tuple[str, str], ...] = ()


class Wording(Protocol):
    """The messages of one format for tool faults; *at* is the path of a message."""

    def repeated_use(self, use_id: str, at: str) -> str: ...
    def repeated_result(self, result_id: str, at: str) -> str: ...
    def without_result(self, ids: str, at: str) -> str: ...
    def without_use(self, result_id: str, at: str) -> str: ...
    def repeated_name(self, name: str, position: int) -> str: ...


class ClaudeWording:
    def repeated_use(self, use_id: str, at: str) -> str:
        return "messages: `tool_use` ids must be unique"

    def repeated_result(self, result_id: str, at: str) -> str:
        return (
            "messages: each `tool_use` must have a single result. Found multiple `tool_result` blocks with id: "
            f"{result_id}"
        )

    def without_result(self, ids: str, at: str) -> str:
        return (
            f"messages: `tool_use` ids were found without `tool_result` blocks immediately after: {ids}. Each "
            "`tool_use` block must have a corresponding `tool_result` block in the next message."
        )

    def without_use(self, result_id: str, at: str) -> str:
        return (
            f"messages: unexpected `tool_use_id` found in `tool_result` blocks: {result_id}. Each "
            "`tool_result` block must have a corresponding `tool_use` block in the previous message."
        )

    def repeated_name(self, name: str, position: int) -> str:
        return "tools: Tool names must be unique."


class ConverseWording:
    def repeated_use(self, use_id: str, at: str) -> str:
        return f"The toolUse blocks at {dotted(at)}.content contain duplicate Ids: {use_id}"

    def repeated_result(self, result_id: str, at: str) -> str:
        return self.without_use(result_id, at)

    def without_result(self, ids: str, at: str) -> str:
        return f"Expected toolResult blocks at {dotted(at)}.content for the following Ids: {ids}"

    def without_use(self, result_id: str, at: str) -> str:
        return (
            f"The number of toolResult blocks at {dotted(at)}.content exceeds the number of toolUse blocks of previous "
            "turn."
        )

    def repeated_name(self, name: str, position: int) -> str:
        return f"The tool {name} is already defined at toolConfig.tools.{position}."


COMBINING = ("oneOf", "allOf", "anyOf")
CLAUDE, CONVERSE = ClaudeWording(), ConverseWording()


def tool_block_faults(turns: Iterable[Turn], *, has_tools: bool, tools: str, refusal: str) -> Iterator[Fault]:
    """Yield a fault for tool blocks in a request without tools; *tools* is the name of the member for them."""
    if has_tools:
        return
    for turn in turns:
        for _, path in (*turn.uses, *turn.results):
            yield rule("tool-blocks-without-tools", path, found=f"no {tools}", expected=tools, refusal=refusal)
            return


def pairing_faults(turns: Iterable[Turn], wording: Wording) -> Iterator[Fault]:
    """Yield faults for uses without a result in the next turn, results without a use before, and repeated ids.

    Consecutive messages of the same role count as one turn, as they do for the models.
    """
    merged = [_merged(list(group)) for _, group in groupby(turns, key=lambda turn: turn.role)]
    yield from _repeated(merged, wording)
    empty = Turn("", "")
    for before, turn in pairwise([empty, *merged, empty]):
        yield from _unanswered(before, turn, wording)
        yield from _unasked(before, turn, wording)


def _merged(turns: list[Turn]) -> Turn:
    uses = tuple(use for turn in turns for use in turn.uses)
    results = tuple(result for turn in turns for result in turn.results)
    return Turn(turns[0].role, turns[0].path, uses, results)


def _repeated(turns: list[Turn], wording: Wording) -> Iterator[Fault]:
    seen: set[str] = set()
    for turn in turns:
        for use_id, path in turn.uses:
            if use_id in seen:
                yield rule(
                    "repeated-tool-use-id",
                    path,
                    found=f"{use_id} a second time",
                    expected="an id of its own for each tool use",
                    refusal=wording.repeated_use(use_id, _message_of(path)),
                )
            seen.add(use_id)
        for result_id, count in Counter(result for result, _ in turn.results).items():
            if count > 1:
                yield rule(
                    "repeated-tool-result",
                    turn.path,
                    found=f"{count} results for {result_id}",
                    expected="one result for each tool use",
                    refusal=wording.repeated_result(result_id, turn.path),
                )


def _unanswered(before: Turn, turn: Turn, wording: Wording) -> Iterator[Fault]:
    answered = {result for result, _ in turn.results}
    open_uses = [(use_id, path) for use_id, path in before.uses if use_id not in answered]
    if open_uses:
        ids = ", ".join(use_id for use_id, _ in open_uses)
        yield rule(
            "tool-use-without-result",
            open_uses[0][1],
            found=f"no result for {ids} in the next message",
            expected="a result for each tool use, in the message after it",
            refusal=wording.without_result(ids, turn.path or _next(_message_of(open_uses[-1][1]))),
        )


def _unasked(before: Turn, turn: Turn, wording: Wording) -> Iterator[Fault]:
    asked = {use_id for use_id, _ in before.uses}
    for result_id, path in turn.results:
        if result_id not in asked:
            yield rule(
                "tool-result-without-use",
                path,
                found=f"a result for {result_id}, which the message before does not ask for",
                expected="the id of a tool use of the message before",
                refusal=wording.without_use(result_id, turn.path),
            )


def _message_of(path: str) -> str:
    """Return the path of the message that contains *path*."""
    return f"$.messages[{steps(path)[1]}]"


def _next(path: str) -> str:
    return f"$.messages[{int(steps(path)[1]) + 1}]"


def combined_schema_faults(schema: Any, path: str, *, tool: str) -> Iterator[Fault]:
    """Yield a fault for top-level alternatives in a tool's *schema*; *tool* is the tool's path in Claude's notation."""
    for keyword in COMBINING:
        if isinstance(schema, dict) and keyword in schema:
            yield rule(
                "tool-schema-combined",
                f"{path}.{keyword}",
                found=keyword,
                expected="an object without oneOf, allOf and anyOf at its top",
                refusal=f"{tool}.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level",
            )
            return


def repeated_names(names: list[str], *, path: str, wording: Wording) -> Iterator[Fault]:
    """Yield a fault for each name that several tools share."""
    for name, count in Counter(names).items():
        if count > 1:
            second = names.index(name, names.index(name) + 1)
            yield rule(
                "repeated-tool-name",
                path,
                found=f"{count} tools named {name}",
                expected="a name of its own for each tool",
                refusal=wording.repeated_name(name, second),
            )
