"""Which output line answers which input line, even if ids repeat or are missing and lines come in any order.

No pair is invented: each output answers at most one input, and lines without a counterpart stay alone.
"""

from array import array
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from hashlib import blake2b

import msgspec

from batchconsole.records.files import InputFile
from batchconsole.records.fingerprints import NO_ID, fingerprints
from batchconsole.records.index import Index, Numbers
from batchconsole.records.lines import Batch, batches

ALONE = -1
_NOTHING = msgspec.Raw(b"null")
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Line(msgspec.Struct, gc=False):
    record_id: object = msgspec.field(default=None, name="recordId")
    output: msgspec.Raw = msgspec.field(default=_NOTHING, name="modelOutput")
    error: object = None

    @property
    def is_answer(self) -> bool:
        return self.error is None and bytes(memoryview(self.output)[:1]) == b"{"


class _LineWithBody(msgspec.Struct, gc=False):
    model_input: object = msgspec.field(default=None, name="modelInput")


_decode = msgspec.json.Decoder(_Line).decode
_decode_body = msgspec.json.Decoder(_LineWithBody).decode


class Pairing(msgspec.Struct):
    """Both sides of a job, and for each input record the position of its output, or :data:`ALONE`."""

    inputs: Index
    outputs: Index
    answers: Numbers

    def questions(self) -> Numbers:
        """Return for each output record the position of its input, or :data:`ALONE`."""
        return _turned(self.answers, len(self.outputs))


def pair(inputs: list[InputFile], outputs: list[InputFile], *, output_index: Index | None = None) -> Pairing:
    """Pair the records of a job's files. *output_index* saves a pass over outputs that were scanned before.

    Memory use is about forty bytes per record. The files are read once, and again if ids do not tell the inputs apart.
    """
    ours, theirs = index_lines(inputs), output_index or index_lines(outputs)
    return Pairing(ours, theirs, match(ours, theirs, inputs, outputs))


def index_lines(files: Iterable[InputFile]) -> Index:
    """Return the places and ids of all lines that are not blank; lines without an answer count as errors."""
    index = Index()
    for file in files:
        index.add_file(file.name, file.size)
        for batch in batches(file.open(start=0)):
            places = list(_places(batch))
            lines = [_read(line) for _, line in places]
            ids = [line.record_id if isinstance(line.record_id, str) else "" for line in lines]
            errors = [number for number, line in enumerate(lines, len(index)) if not line.is_answer]
            index.add([place for place, _ in places], fingerprints(ids), errors)
    return index


def _places(batch: Batch) -> Iterator[tuple[int, bytes]]:
    place = batch.offset
    for line in batch.lines:
        if line and not line.isspace():
            yield place, line
        place += len(line) + 1


def _read(line: bytes) -> _Line:
    try:
        return _decode(line)
    except _BROKEN:
        return _Line()


def _bodies(files: Iterable[InputFile]) -> Numbers:
    """Return a fingerprint of each line's modelInput, independent of the formatting of its JSON."""
    bodies: Numbers = array("q")
    for file in files:
        for batch in batches(file.open(start=0)):
            bodies.extend(_body_fingerprint(line) for _, line in _places(batch))
    return bodies


def _body_fingerprint(line: bytes) -> int:
    try:
        line = msgspec.json.encode(_decode_body(line).model_input, order="sorted")
    except (*_BROKEN, ValueError):
        pass  # not JSON, so the raw line is used
    return int.from_bytes(blake2b(line, digest_size=8).digest(), "little", signed=True)


def match(ours: Index, theirs: Index, inputs: list[InputFile], outputs: list[InputFile]) -> Numbers:
    """Return for each of *ours* the position in *theirs* of its counterpart, or :data:`ALONE`.

    Match by id if ids tell our records apart; otherwise in this order:

    1. By id and body, because an output repeats the body.
    2. Inputs without an id by body, with outputs whose id no input has: Bedrock made up that id.
    3. The rest by id alone, because their bodies were altered on the way.
    """
    answers: Numbers = array("q", [ALONE]) * len(ours)
    known = set(ours.ids)
    if len(known) == len(ours) and NO_ID not in known:
        _round(answers, len(theirs), ours.ids.__getitem__, theirs.ids.__getitem__)
        return answers
    our_bodies, their_bodies = _bodies(inputs), _bodies(outputs)
    known.discard(NO_ID)

    def id_and_body(ids: Numbers, bodies: Numbers) -> Callable[[int], Hashable]:
        return lambda position: None if ids[position] == NO_ID else (ids[position], bodies[position])

    _round(answers, len(theirs), id_and_body(ours.ids, our_bodies), id_and_body(theirs.ids, their_bodies))
    _round(
        answers,
        len(theirs),
        lambda position: our_bodies[position] if ours.ids[position] == NO_ID else None,
        lambda position: None if theirs.ids[position] in known else their_bodies[position],
    )
    _round(answers, len(theirs), _only_ids(ours), _only_ids(theirs))
    return answers


def _only_ids(index: Index) -> Callable[[int], Hashable]:
    return lambda position: None if index.ids[position] == NO_ID else index.ids[position]


def _round(
    answers: Numbers,
    outputs: int,
    our_key: Callable[[int], Hashable],
    their_key: Callable[[int], Hashable],
) -> None:
    """Pair records that are still alone and have the same key; ``None`` is not a key."""
    taken = _turned(answers, outputs)
    waiting: defaultdict[Hashable, deque[int]] = defaultdict(deque)
    for position, answer in enumerate(answers):
        if answer == ALONE and (key := our_key(position)) is not None:
            waiting[key].append(position)
    for position, question in enumerate(taken):
        if question == ALONE and (line := waiting.get(their_key(position))):
            answers[line.popleft()] = position


def _turned(answers: Numbers, outputs: int) -> Numbers:
    questions: Numbers = array("q", [ALONE]) * outputs
    for question, answer in enumerate(answers):
        if answer != ALONE:
            questions[answer] = question
    return questions
