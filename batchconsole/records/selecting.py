"""Select records of a job by outcome, match with their output schema, stop reason or text."""

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
    """The filters and the order of records.

    ``only`` is one of :data:`ONLY`, ``stop`` a stop reason (``None`` for any), ``find`` a text, and ``order`` one of
    :data:`ORDERS` (empty for the order of the output).
    """

    only: str = ""
    stop: str | None = None
    find: str = ""
    order: str = ""


EVERYTHING = Wanted()


def positions(index: Index, totals: Totals, wanted: Wanted, in_input_order: Sequence[int] = ()) -> Sequence[int]:
    """Return the positions in *index* of the records *wanted*, in the wanted order.

    ``find`` is ignored, and so is ``UNANSWERED``, as the index holds only output records. *in_input_order* lists all
    positions in the order of the input, if known.
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
    """Return the index's number for a stop reason, or -1, which no record has, if it is unknown."""
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
    """Yield the *rows* that match the filters of *wanted*, keeping their order."""
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
