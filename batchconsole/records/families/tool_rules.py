"""Rules on tools, written once for the shapes that Claude's own body and Converse give them.

=================== ============================================================ ====================================
what                rule                                                         source
=================== ============================================================ ====================================
name                ``[a-zA-Z0-9_-]{1,128}`` (Converse: 64), each once           Anthropic, Tool use
tool blocks         need ``tools`` (Converse: ``toolConfig``)                    Anthropic and Converse error messages
use and result      each use has its one result in the next turn, and the        the same
                    reverse; ids are unique
=================== ============================================================ ====================================
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise

import msgspec

from batchconsole.records.families.faults import Fault, rule


class Turn(msgspec.Struct, frozen=True):
    """One message as these rules see it: the ids of the calls it makes and answers, each with its path."""

    role: str
    path: str
    uses: tuple[tuple[str, str], ...] = ()  # id, path
    results: tuple[tuple[str, str], ...] = ()


def tool_block_faults(turns: Iterable[Turn], *, has_tools: bool, tools: str, refusal: str) -> Iterator[Fault]:
    """Tool blocks in a request that defines no tools; *tools* is the name of the member that defines them."""
    if has_tools:
        return
    for turn in turns:
        for _, path in (*turn.uses, *turn.results):
            yield rule("tool-blocks-without-tools", path, found=f"no {tools}", expected=tools, refusal=refusal)
            return


def pairing_faults(turns: Iterable[Turn]) -> Iterator[Fault]:
    """Calls without their answer in the next turn, answers without their call in the one before, and repeated ids.

    Messages of one role that follow each other are one turn, as the models take them.
    """
    merged = [_merged(list(group)) for _, group in groupby(turns, key=lambda turn: turn.role)]
    yield from _repeated(merged)
    empty = Turn("", "")
    for before, turn in pairwise([empty, *merged, empty]):
        yield from _unanswered(before, turn)
        yield from _unasked(before, turn)


def _merged(turns: list[Turn]) -> Turn:
    uses = tuple(use for turn in turns for use in turn.uses)
    results = tuple(result for turn in turns for result in turn.results)
    return Turn(turns[0].role, turns[0].path, uses, results)


def _repeated(turns: list[Turn]) -> Iterator[Fault]:
    seen: set[str] = set()
    for turn in turns:
        for use_id, path in turn.uses:
            if use_id in seen:
                yield rule(
                    "repeated-tool-use-id",
                    path,
                    found=f"{use_id} a second time",
                    expected="an id of its own for each tool use",
                    refusal="messages: `tool_use` ids must be unique",
                )
            seen.add(use_id)
        for result_id, count in Counter(result for result, _ in turn.results).items():
            if count > 1:
                yield rule(
                    "repeated-tool-result",
                    turn.path,
                    found=f"{count} results for {result_id}",
                    expected="one result for each tool use",
                    refusal="messages: each `tool_use` must have a single result. Found multiple `tool_result` blocks "
                    f"with id: {result_id}",
                )


def _unanswered(before: Turn, turn: Turn) -> Iterator[Fault]:
    answered = {result for result, _ in turn.results}
    open_uses = [(use_id, path) for use_id, path in before.uses if use_id not in answered]
    if open_uses:
        ids = ", ".join(use_id for use_id, _ in open_uses)
        yield rule(
            "tool-use-without-result",
            open_uses[0][1],
            found=f"no result for {ids} in the next message",
            expected="a result for each tool use, in the message after it",
            refusal=f"messages: `tool_use` ids were found without `tool_result` blocks immediately after: {ids}. Each "
            "`tool_use` block must have a corresponding `tool_result` block in the next message.",
        )


def _unasked(before: Turn, turn: Turn) -> Iterator[Fault]:
    asked = {use_id for use_id, _ in before.uses}
    for result_id, path in turn.results:
        if result_id not in asked:
            yield rule(
                "tool-result-without-use",
                path,
                found=f"a result for {result_id}, which the message before does not ask for",
                expected="the id of a tool use of the message before",
                refusal=f"messages: unexpected `tool_use_id` found in `tool_result` blocks: {result_id}. Each "
                "`tool_result` block must have a corresponding `tool_use` block in the previous message.",
            )


def repeated_names(names: Iterable[str], *, path: str) -> Iterator[Fault]:
    """Tools that share a name."""
    for name, count in Counter(names).items():
        if count > 1:
            yield rule(
                "repeated-tool-name",
                path,
                found=f"{count} tools named {name}",
                expected="a name of its own for each tool",
                refusal="tools: Tool names must be unique.",
            )
