"""Making a new input of the records of an old one that failed or were never answered, from the original lines."""

from collections.abc import Iterator
from enum import StrEnum
from functools import partial
from heapq import nsmallest
from typing import NamedTuple

from batchconsole.records.files import InputFile
from batchconsole.records.index import NO_TOKENS
from batchconsole.records.lines import batches
from batchconsole.records.matching import ALONE, Pairing

# Rules of thumb, to compare records and not to price them: English has some four bytes a token, and most models of
# https://aws.amazon.com/bedrock/pricing/ ask four to five times as much for a token they write.
BYTES_A_TOKEN, TIMES_DEARER = 4, 4


class Outcome(StrEnum):
    """What became of an input record."""

    ANSWERED = "answered"
    FAILED = "failed"
    UNANSWERED = "unanswered"


def outcomes(pairing: Pairing) -> list[Outcome]:
    """What became of each input record, in order."""
    errors = set(pairing.outputs.errors)
    return [_outcome(answer, errors) for answer in pairing.answers]


def _outcome(answer: int, errors: set[int]) -> Outcome:
    if answer == ALONE:
        return Outcome.UNANSWERED
    return Outcome.FAILED if answer in errors else Outcome.ANSWERED


class Resent(NamedTuple):
    """A record to send again: its line as it stands in the input, with a ``\\n``, and the name of its file."""

    line: bytes
    file: str


def chosen(pairing: Pairing, *, failed: bool = True, unanswered: bool = True, at_least: int = 0) -> bytearray:
    """For each input record whether it is to be sent again.

    With *at_least*, answered records are sent again too, the cheapest first, until there are so many (Bedrock wants
    100); what they answer this time counts for nothing when the results are joined.
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
    """What a record costs, compared with others: bytes that are sent, and those of the answer at its higher price."""
    place, answer = pairing.inputs.place(position), pairing.answers[position]
    tokens = pairing.outputs.tokens[answer] if answer < len(pairing.outputs.tokens) else NO_TOKENS
    return place.end - place.start + (0 if tokens == NO_TOKENS else tokens * BYTES_A_TOKEN * TIMES_DEARER)


def resend(inputs: list[InputFile], wanted: bytearray) -> Iterator[Resent]:
    """The original lines of *inputs* that are *wanted*, in order; see :func:`chosen`."""
    position = 0
    for file in inputs:
        for batch in batches(file.open(start=0)):
            for line in batch.lines:
                if line and not line.isspace():
                    if wanted[position]:
                        yield Resent(line + b"\n", file.name)
                    position += 1
