"""Making a new input of the records of an old one that failed or were never answered, from the original lines."""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from batchconsole.records.files import InputFile
from batchconsole.records.lines import batches
from batchconsole.records.matching import ALONE, Pairing


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

    With *at_least*, the first answered records are sent again too, until there are so many (Bedrock wants 100); the
    newer answer counts when the results are joined.
    """
    found = outcomes(pairing)
    again = {Outcome.FAILED} if failed else set()
    again |= {Outcome.UNANSWERED} if unanswered else set()
    wanted = bytearray(outcome in again for outcome in found)
    missing = at_least - sum(wanted)
    for position, outcome in enumerate(found):
        if missing > 0 and outcome is Outcome.ANSWERED:
            wanted[position] = 1
            missing -= 1
    return wanted


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
