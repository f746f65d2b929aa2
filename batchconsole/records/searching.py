"""Finding output records by a text in their question, answer or error. A scan, since texts are not indexed."""

from collections.abc import Callable, Iterator

from batchconsole.records.families import AnyFamily
from batchconsole.records.files import InputFile
from batchconsole.records.index import Place
from batchconsole.records.lines import batches
from batchconsole.records.output_lines import Record, read_line


def find_text(
    files: list[InputFile],
    text: str,
    family: AnyFamily | None,
    *,
    since: Place | None = None,
    go_on: Callable[[int], bool] = lambda position: True,
    read: Callable[[bytes, AnyFamily | None], Record] = read_line,
) -> Iterator[tuple[Place, Record]]:
    """The records of *files* with *text* in id, question, answer or error, in order; upper and lower case are the same.

    A generator: whoever has enough stops asking. *since* is the record to begin with. *go_on* is told after each
    chunk how many records were looked at or passed over, and says whether to look on. *read* reads a line.
    """
    is_wanted, may_be_in = record_finder(text), _shortcut(text)
    position, start = (since.position, since.start) if since else (0, 0)
    names = [file.name for file in files]
    for file in files[names.index(since.file) if since else 0 :]:
        offset, start = start, 0
        for batch in batches(file.open(start=offset), offset=offset):
            place = batch.offset
            for line in batch.lines:
                end = place + len(line) + 1
                if line and not line.isspace():
                    if may_be_in(line) and is_wanted(record := read(line, family)):
                        yield Place(position, file.name, place, end), record
                    position += 1
                place = end
            if not go_on(position):
                return


def record_finder(text: str) -> Callable[[Record], bool]:
    """Whether *text* is in a record's id, question, answer or error; upper and lower case are the same."""
    is_in = _finder(text)
    return lambda record: any(
        map(is_in, (record.record_id, record.question, record.answer, record.error_message or ""))
    )


def _finder(text: str) -> Callable[[str], bool]:
    """Whether *text* is in another one. A plain text means its plain letters only: no K for the sign of Kelvin."""
    if not text.isascii():
        folded = text.casefold()
        return lambda other: folded in other.casefold()
    plain = text.encode().lower()
    return lambda other: plain in other.encode("utf-8", "replace").lower()


def _shortcut(text: str) -> Callable[[bytes], bool]:
    """Whether a line may have *text* at all: plain letters and digits stand in JSON as they are, unless escaped."""
    if not (text.isascii() and text.replace(" ", "").isalnum()):
        return lambda line: True
    plain = text.encode().lower()
    return lambda line: plain in line.lower() or b"\\u00" in line
