"""Search output records for a text. This scans the files, because texts are not indexed."""

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
    """Yield the records of *files* with *text* in their id, question, answer or error, ignoring case, in order.

    *since* is the record to start with. After each chunk, *go_on* is called with the number of records searched or
    skipped so far; the search ends if it returns false. *read* reads a line.
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
    """Return a function that says whether a record has *text* in its id, question, answer or error, ignoring case."""
    is_in = _finder(text)
    return lambda record: any(
        map(is_in, (record.record_id, record.question, record.answer, record.error_message or ""))
    )


def _finder(text: str) -> Callable[[str], bool]:
    """Return a function that says whether a string contains *text*, ignoring case.

    ASCII text matches only ASCII letters: a ``k`` does not match the Kelvin sign.
    """
    if not text.isascii():
        folded = text.casefold()
        return lambda other: folded in other.casefold()
    plain = text.encode().lower()
    return lambda other: plain in other.encode("utf-8", "replace").lower()


def _shortcut(text: str) -> Callable[[bytes], bool]:
    """Return a function that says whether a line may contain *text*, to skip lines that cannot.

    JSON stores ASCII letters and digits unchanged, unless they are written as ``\\u00`` escapes.
    """
    if not (text.isascii() and text.replace(" ", "").isalnum()):
        return lambda line: True
    plain = text.encode().lower()
    return lambda line: plain in line.lower() or b"\\u00" in line
