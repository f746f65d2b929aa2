"""What is told of input before it is made: its length, tokens and cost, read from a bounded part of the source."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from batchconsole.jobs.costs.prices import price_for
from batchconsole.jobs.inputs.input_sources import PREVIEW_ROWS, Look, Source, read_table
from batchconsole.jobs.models import Connection
from batchconsole.records import catalogue, tables
from batchconsole.records.bodies import SHAPES
from batchconsole.records.estimates import estimate_cost, input_tokens, output_tokens_at_most
from batchconsole.records.families import FAMILIES
from batchconsole.records.families.faults import Fault
from batchconsole.records.families.schema import Context
from batchconsole.records.making import Made, Recipe
from batchconsole.records.report import CostEstimate
from batchconsole.records.scanning import Part
from batchconsole.records.surveying import Enough, Survey, size_of, survey_lines, survey_rows
from batchconsole.records.tables import TableError

# Read for each change of the form: some tens of milliseconds of work.
MOST_SURVEYED_BYTES = 2**20
MOST_SURVEYED_ROWS = 5_000  # of Parquet, whose bytes tell little
# Read for a row that somebody asks for by its number: about a second.
MOST_SEARCHED_BYTES = 32 * 2**20


@dataclass(frozen=True)
class Estimate:
    """What the input will be. ``rows`` is a guess unless ``is_exact``; ``cost`` is None if no price is known."""

    survey: Survey
    rows: int
    is_exact: bool
    input_tokens: int
    output_tokens_at_most: int | None
    cost: CostEstimate | None = None


def _limited(source: Source, most: int) -> Source:
    """Return *source*, which raises Enough when more than *most* bytes have been read."""
    read = 0

    def count(size: int) -> None:
        nonlocal read
        if read >= most:
            raise Enough
        read += size

    return source.counted(count)


def survey_source(
    source: Source, look: Look, *, recipe: Recipe, separator: str = "", encoding: str = ""
) -> tuple[Survey, int]:
    """Survey the beginning of *source*; return what was found and the number of rows, a guess unless it is whole.

    *recipe* must match the columns. Raises AwsError.
    """
    read = 0

    def count(size: int) -> None:
        nonlocal read
        read += size

    limited = _limited(source, MOST_SURVEYED_BYTES).counted(count)
    if look.foreign:
        with closing(_lines(limited)) as lines:
            survey = survey_lines(lines, shape=recipe.shape)
    else:
        rows: Iterator[Any] = read_table(limited, look.kind, separator=separator, encoding=encoding)
        survey = survey_rows(rows if look.extent is None else _first_rows(rows), recipe)
    return survey, _rows_of(survey, source, look, read=read)


def _lines(source: Source) -> Generator[dict[str, Any]]:
    yield from tables.read_objects(source.chunks())


def _first_rows(rows: Iterable[Any]) -> Iterator[Any]:
    for number, row in enumerate(rows):
        if number >= MOST_SURVEYED_ROWS:
            raise Enough
        yield row


def _rows_of(survey: Survey, source: Source, look: Look, *, read: int) -> int:
    """Return the number of rows: as counted, as Parquet declares it, or by the share of the bytes that were read."""
    if survey.is_whole or survey.fault or not survey.rows:
        return survey.rows
    if look.extent is not None:
        return look.extent.rows
    return max(survey.rows, round(survey.rows * source.size / max(read, 1)))


def estimate_of(
    connection: Connection, surveyed: tuple[Survey, int], *, first: Made, recipe: Recipe, model_id: str
) -> Estimate:
    """Return the tokens and, with *model_id*, the cost of input whose *first* record is known."""
    survey, rows = surveyed
    model = catalogue.find_model(model_id) if model_id else None
    part = _whole(survey, rows, first, recipe)
    tokens, output = input_tokens(part), output_tokens_at_most(part, model)
    price = price_for(model_id, connection.region) if model_id else None
    cost = estimate_cost(price, tokens=tokens, output_at_most=output)
    is_exact = survey.is_whole and not survey.fault
    return Estimate(survey, rows, is_exact, tokens, output, cost)


def _whole(survey: Survey, rows: int, first: Made, recipe: Recipe) -> Part:
    """Return the counts of all rows, by the share of them that was surveyed."""
    share = rows / max(survey.rows, 1)
    limit = size_of(first, recipe.shape).max_tokens
    has_own = survey.max_tokens or survey.unbounded  # lines of another provider's batch have limits of their own
    return Part(
        characters=round(survey.characters * share),
        media=round(survey.media * share),
        max_tokens=round(survey.max_tokens * share) if has_own else (limit or 0) * rows,
        unbounded=round(survey.unbounded * share) if has_own else (0 if limit else rows),
    )


def look_at(source: Source, look: Look, *, start: int, separator: str = "", encoding: str = "") -> Look:
    """Return *look* with the rows from number *start* on. Raises :class:`TableError` if they are not found."""
    if start == look.start:
        return look
    limited = _limited(source, MOST_SEARCHED_BYTES)
    reading = (
        _lines(limited) if look.foreign else read_table(limited, look.kind, separator=separator, encoding=encoding)
    )
    found: list[Any] = []
    try:
        found = list(islice(reading, start - 1, start - 1 + PREVIEW_ROWS))
    except Enough:
        raise TableError(
            f"Row {start:,} is further down than the preview reads.", hint=f"It reads {MOST_SEARCHED_BYTES >> 20} MB."
        ) from None
    if not found:
        raise TableError(f"The file has no row {start:,}.")
    return replace(look, start=start, lines=found) if look.foreign else replace(look, start=start, rows=found)


def model_faults(made: Made, *, shape: str, model_id: str) -> list[Fault]:
    """Return what the model *model_id* would refuse in a record in the format named *shape*; none if it is unknown."""
    if catalogue.find_model(model_id) is None:
        return []
    family = FAMILIES[SHAPES[shape].family]
    faults = family.faults(family.parse(made.body), Context.of(model_id))  # type: ignore[arg-type]  # its own body
    return [fault for fault in faults if fault.severity == "error"]
