"""One row per record of a job, including the results of its resends; no record is lost or invented."""

import tempfile
from array import array
from collections.abc import Iterator, Sequence

import msgspec

from batchconsole.records.families import AnyFamily
from batchconsole.records.files import InputFile
from batchconsole.records.index import Numbers
from batchconsole.records.lines import iter_lines
from batchconsole.records.matching import ALONE, Pairing, match, pair
from batchconsole.records.output_lines import Record, read_input_line, read_line
from batchconsole.records.retry import Outcome


class Run(msgspec.Struct):
    """One job: its input and output files, and the family of its bodies."""

    inputs: list[InputFile]
    outputs: list[InputFile]
    family: AnyFamily | None


class Replies(msgspec.Struct):
    """How a job answers the original input, by the position of each original record.

    ``inputs`` holds the position in the job's own input and ``outputs`` that in its output; :data:`ALONE` if there is
    none.
    """

    inputs: Numbers
    outputs: Numbers


class JoinedRow(msgspec.Struct):
    """One record with its outcome. ``run`` is the number of the job, starting at 0 for the original."""

    outcome: Outcome
    record: Record
    run: int


def join(runs: Sequence[Run]) -> Iterator[JoinedRow]:
    """Yield the rows of the job ``runs[0]`` and of its resends, which follow oldest first.

    Each record of the original input gives one row: its first success, otherwise its newest failure, otherwise as
    unanswered. An answered record is only sent again to fill up an input, and its first answer stays. Records in a
    later input or an output that are not in the original input also give rows. Rows come job by job in the order of the
    output files, unanswered records last.
    """
    pairings = [pair(run.inputs, run.outputs) for run in runs]
    replies = [_replies(runs, pairings, number) for number in range(len(runs))]
    for number, (run, keep) in enumerate(zip(runs, _kept_outputs(pairings, replies), strict=True)):
        for position, line in enumerate(lines_of(run.outputs)):
            if keep[position]:
                record = read_line(line, run.family)
                yield JoinedRow(Outcome.FAILED if record.is_error else Outcome.ANSWERED, record, number)
    for number, (run, keep) in enumerate(zip(runs, _unanswered_inputs(pairings, replies), strict=True)):
        for position, line in enumerate(lines_of(run.inputs)):
            if keep[position]:
                yield JoinedRow(Outcome.UNANSWERED, read_input_line(line, run.family), number)


def join_in_order(runs: Sequence[Run]) -> Iterator[JoinedRow]:
    """Yield a row for each record of the original input, in its order; otherwise like :func:`join`.

    Records that are not in the original input are left out. Answers come in any order, so they are kept in a temporary
    file meanwhile; memory use is about fifty bytes per record.
    """
    pairings = [pair(run.inputs, run.outputs) for run in runs]
    replies = [_replies(runs, pairings, number) for number in range(len(runs))]
    keep = _kept_outputs(pairings, replies)
    with _Spool(len(pairings[0].inputs)) as spool:
        for number, (run, reply) in enumerate(zip(runs, replies, strict=True)):
            asked = {answer: position for position, answer in enumerate(reply.outputs) if answer != ALONE}
            for answer, line in enumerate(lines_of(run.outputs)):
                if keep[number][answer] and answer in asked:
                    spool.keep(asked[answer], number, line)
        for position, line in enumerate(lines_of(runs[0].inputs)):
            yield spool.row(position, runs) or JoinedRow(Outcome.UNANSWERED, read_input_line(line, runs[0].family), 0)


class _Spool:
    """Output lines on disk, by the position of their input."""

    def __init__(self, count: int) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the spool
        self.starts: Numbers = array("q", [ALONE]) * count
        self.sizes: Numbers = array("q", [0]) * count
        self.numbers: Numbers = array("H", [0]) * count
        self.end = 0

    def __enter__(self) -> "_Spool":
        return self

    def __exit__(self, *of_error: object) -> None:
        self.file.close()

    def keep(self, position: int, number: int, line: bytes) -> None:
        self.file.seek(self.end)
        self.file.write(line)
        self.starts[position], self.sizes[position], self.numbers[position] = self.end, len(line), number
        self.end += len(line)

    def row(self, position: int, runs: Sequence[Run]) -> JoinedRow | None:
        """Return the row of the line kept for *position*; ``None`` if there is none."""
        if position >= len(self.starts) or self.starts[position] == ALONE:
            return None
        self.file.seek(self.starts[position])
        number = self.numbers[position]
        record = read_line(self.file.read(self.sizes[position]), runs[number].family)
        return JoinedRow(Outcome.FAILED if record.is_error else Outcome.ANSWERED, record, number)


def lines_of(files: Sequence[InputFile]) -> Iterator[bytes]:
    """Yield the lines of *files* that are not blank."""
    for file in files:
        for line in iter_lines(file.open(start=0)):
            if line and not line.isspace():
                yield line


def _replies(runs: Sequence[Run], pairings: Sequence[Pairing], number: int) -> Replies:
    """Return how job *number* answers the original input."""
    ours = pairings[number]
    if number == 0:
        return Replies(array("q", range(len(ours.inputs))), ours.answers)
    asked = match(pairings[0].inputs, ours.inputs, runs[0].inputs, runs[number].inputs)
    return Replies(asked, array("q", [ALONE if again == ALONE else ours.answers[again] for again in asked]))


def _kept_outputs(pairings: Sequence[Pairing], replies: Sequence[Replies]) -> list[bytearray]:
    """Mark for each job the outputs that become rows: all except those with a better output for the same record."""
    keep = [bytearray(b"\1") * len(pairing.outputs) for pairing in pairings]
    errors = [set(pairing.outputs.errors) for pairing in pairings]
    for position in range(len(pairings[0].inputs)):
        best: tuple[int, int] | None = None
        for number, reply in enumerate(replies):
            answer = reply.outputs[position]
            if answer == ALONE:
                continue
            keep[number][answer] = 0
            if best is None or best[1] in errors[best[0]]:
                best = (number, answer)
        if best is not None:
            keep[best[0]][best[1]] = 1
    return keep


def _unanswered_inputs(pairings: Sequence[Pairing], replies: Sequence[Replies]) -> list[bytearray]:
    """Mark for each job the inputs that become unanswered rows: those without an output, once across all jobs."""
    keep = [bytearray(answer == ALONE for answer in pairing.answers) for pairing in pairings]
    for number, reply in enumerate(replies[1:], 1):
        for position, again in enumerate(reply.inputs):
            if again != ALONE:
                keep[number][again] = 0  # part of the original record's row, answered or not
            if reply.outputs[position] != ALONE:
                keep[0][position] = 0
    return keep
