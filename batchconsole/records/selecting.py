"""Which records of a job are wanted: by outcome, by fit with their output schema, by stop reason, by a text."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from batchconsole.records.answer_schemas import Judge
from batchconsole.records.index import NO_TOKENS, Index, Numbers
from batchconsole.records.joining import JoinedRow
from batchconsole.records.results import Totals, fit_of
from batchconsole.records.retry import Outcome
from batchconsole.records.searching import record_finder

ERRORS, UNANSWERED, MATCHES, MISMATCHES = "errors", "unanswered", "matches", "mismatches"
ONLY = ("", ERRORS, UNANSWERED, MATCHES, MISMATCHES)
INPUT, MOST_TOKENS, FEWEST_TOKENS = "input", "-tokens", "tokens"
ORDERS = ("", INPUT, MOST_TOKENS, FEWEST_TOKENS)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """``only`` is one of :data:`ONLY`, ``stop`` a stop reason (``None``: any), ``find`` a text, ``order`` one of
    :data:`ORDERS` (empty: that of the output).
    """

    only: str = ""
    stop: str | None = None
    find: str = ""
    order: str = ""


EVERYTHING = Wanted()


def positions(index: Index, totals: Totals, wanted: Wanted, in_input_order: Sequence[int] = ()) -> Sequence[int]:
    """The positions in *index* of the records *wanted*, in the order it asks for. A text is not looked for.

    *in_input_order* are all positions in the order of the input, where that is known.
    """
    found = _of_outcome(index, wanted.only)
    if wanted.stop is not None:
        number = _stop_number(totals, wanted.stop)
        found = [position for position in found if position < len(index.stops) and index.stops[position] == number]
    return _in_order(index, found, wanted.order, in_input_order)


def _of_outcome(index: Index, only: str) -> Sequence[int]:
    chosen: dict[str, Numbers] = {ERRORS: index.errors, MATCHES: index.matches, MISMATCHES: index.mismatches}
    return chosen.get(only, range(len(index)))


def _stop_number(totals: Totals, stop: str) -> int:
    """The number that the index has for a stop reason; one that no record has when it is not known."""
    reasons = list(totals.stop_reasons)
    return reasons.index(stop) + 1 if stop in reasons else -1


def _in_order(index: Index, found: Sequence[int], order: str, in_input_order: Sequence[int]) -> Sequence[int]:
    if order == INPUT and len(in_input_order) == len(index):
        chosen = set(found)
        return [position for position in in_input_order if position in chosen]
    if order not in (MOST_TOKENS, FEWEST_TOKENS) or len(index.tokens) != len(index):
        return found
    sign = -1 if order == MOST_TOKENS else 1
    tokens = index.tokens
    return sorted(found, key=lambda position: (tokens[position] == NO_TOKENS, sign * tokens[position]))


def select(rows: Iterable[JoinedRow], wanted: Wanted) -> Iterator[JoinedRow]:
    """Those of *rows* that are *wanted*, in their own order."""
    tests = list(_tests(wanted))
    return (row for row in rows if all(test(row) for test in tests))


def _tests(wanted: Wanted) -> Iterator[Callable[[JoinedRow], bool]]:
    outcomes = {ERRORS: Outcome.FAILED, UNANSWERED: Outcome.UNANSWERED}
    if wanted.only in outcomes:
        yield lambda row: row.outcome is outcomes[wanted.only]
    elif wanted.only in (MATCHES, MISMATCHES):
        judge, matching = Judge(), wanted.only == MATCHES
        yield lambda row: (fit := fit_of(row.record, judge)) is not None and fit.matches is matching
    if wanted.stop is not None:
        yield lambda row: row.outcome is Outcome.ANSWERED and (row.record.stop_reason or "") == wanted.stop
    if wanted.find:
        is_wanted = record_finder(wanted.find)
        yield lambda row: is_wanted(row.record)
