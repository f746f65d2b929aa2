"""Select the failed and unanswered records of a job, and return their original input lines for a new job."""

from collections.abc import Iterator
from enum import StrEnum
from functools import partial
from heapq import nsmallest
from typing import NamedTuple

from batchconsole.records.files import InputFile
from batchconsole.records.index import NO_TOKENS
from batchconsole.records.lines import batches
from batchconsole.records.matching import ALONE, Pairing

# Rules of thumb to compare records, not to price them: English text has about four bytes per token, and for most models
# at https://aws.amazon.com/bedrock/pricing/ an output token costs four to five times as much as an input token.
BYTES_A_TOKEN, TIMES_DEARER = 4, 4


class Outcome(StrEnum):
    """The outcome of an input record."""

    ANSWERED = "answered"
    FAILED = "failed"
    UNANSWERED = "unanswered"


def outcomes(pairing: Pairing) -> list[Outcome]:
    """Return the outcome of each input record, in input order."""
    errors = set(pairing.outputs.errors)
    return [_outcome(answer, errors) for answer in pairing.answers]


def _outcome(answer: int, errors: set[int]) -> Outcome:
    if answer == ALONE:
        return Outcome.UNANSWERED
    return Outcome.FAILED if answer in errors else Outcome.ANSWERED


class Resent(NamedTuple):
    """A record to send again: its original input line, with a ``\\n``, and the name of its file."""

    line: bytes
    file: str


def chosen(pairing: Pairing, *, failed: bool = True, unanswered: bool = True, at_least: int = 0) -> bytearray:
    """Return, for each input record, whether to send it again.

    If fewer than *at_least* records are chosen, answered ones are added, the cheapest first (Bedrock requires 100).
    Joining the results ignores their new answers.
    """
    found = outcomes(pairing)
    again = {Outcome.FAILED} if failed else set()
    again |= {Outcome.UNANSWERED} if unanswered else set()
    wanted = bytearray(outcome in again for outcome in found)
    answered = (position for position, outcome in enumerate(found) if outcome is Outcome.ANSWERED)
    for position in nsmallest(at_least - sum(wanted), answered, key=partial(_weight, pairing)):
        wanted[position] = 1
    return wanted


def _weight(pairing: Pairing, position: int) -> int:
    """Return the relative cost of a record: its input line in bytes, plus its answer in bytes at the output price."""
    place, answer = pairing.inputs.place(position), pairing.answers[position]
    tokens = pairing.outputs.tokens[answer] if answer < len(pairing.outputs.tokens) else NO_TOKENS
    return place.end - place.start + (0 if tokens == NO_TOKENS else tokens * BYTES_A_TOKEN * TIMES_DEARER)


def resend(inputs: list[InputFile], wanted: bytearray) -> Iterator[Resent]:
    """Yield the original lines of *inputs* that are *wanted* (see :func:`chosen`), in order."""
    position = 0
    for file in inputs:
        for batch in batches(file.open(start=0)):
            for line in batch.lines:
                if line and not line.isspace():
                    if wanted[position]:
                        yield Resent(line + b"\n", file.name)
                    position += 1
