"""A bounded look through a table before records are made of it: its length, its prompts, and values that are missing.

The same for the lines of another provider's batch, of which only the size is told.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from batchconsole.records.bodies import SHAPES
from batchconsole.records.families import FAMILIES
from batchconsole.records.families.schema import Size
from batchconsole.records.making import Made, Recipe, convert_records, fill, placeholders
from batchconsole.records.rows import Row, TableError


class Enough(Exception):
    """Raised by a source that is to be read no further; what was read until then counts."""


class Missing(msgspec.Struct):
    """The rows without a value in one column: how many, and the number of the first."""

    column: str
    count: int = 0
    first: int = 0

    def add(self, row: int) -> None:
        self.count += 1
        self.first = self.first or row


class Repeated(NamedTuple):
    """A value of the id column that two rows have."""

    value: str
    first: int
    again: int


class Survey(msgspec.Struct, kw_only=True):
    """What was found. ``rows`` were read, all of them if ``is_whole``; numbers of rows start at 1.

    ``characters`` and ``media`` are those of all prompts that were read. ``max_tokens`` is the sum of the limits that
    records set to their output, ``unbounded`` counts the records without a limit. ``missing`` has columns that the
    prompts name; of the rows in ``blank_prompts`` and ``blank_ids`` no record can be made. ``repeats`` counts the rows
    whose id an earlier row has; ``fault`` says why a row could not be read, after which nothing is read.
    """

    rows: int = 0
    is_whole: bool = True
    characters: int = 0
    media: int = 0
    max_tokens: int = 0
    unbounded: int = 0
    missing: list[Missing] = []
    blank_prompts: Missing = msgspec.field(default_factory=lambda: Missing(""))
    blank_ids: Missing = msgspec.field(default_factory=lambda: Missing(""))
    repeats: int = 0
    repeated: Repeated | None = None
    fault: str = ""


def survey_rows(rows: Iterable[Row], recipe: Recipe) -> Survey:
    """Read *rows* to their end, or until they raise :class:`Enough` or TableError. *recipe* must match the columns."""
    found, seen = Survey(), dict[str, int]()
    named = dict.fromkeys([*placeholders(recipe.template), *placeholders(recipe.system)])
    missing = [Missing(name) for name in named]
    for row in _until_enough(rows, found):
        try:
            _count(row, recipe, found, missing)
        except KeyError as error:
            found.fault = f"Row {found.rows:,}: It has no {error.args[0]}."
            break
        except OverflowError as error:
            found.fault = f"Row {found.rows:,}: {error}"
            break
        if recipe.record_id_column:
            _count_id(row.get(recipe.record_id_column, ""), found, seen)
    found.missing = [each for each in missing if each.count]
    return found


def _until_enough(items: Iterable[Any], found: Survey) -> Iterator[Any]:
    """Yield and count *items*; note in *found* why they end."""
    try:
        for item in items:
            found.rows += 1
            yield item
    except Enough:
        found.is_whole = False
    except TableError as error:
        found.fault = f"{error} {error.hint}".strip()


def _count(row: Row, recipe: Recipe, found: Survey, missing: list[Missing]) -> None:
    prompt, system = fill(recipe.template, row), fill(recipe.system, row)
    found.characters += len(prompt) + len(system)
    if not prompt.strip():
        found.blank_prompts.add(found.rows)
    for each in missing:
        if not row[each.column].strip():
            each.add(found.rows)


def _count_id(value: str, found: Survey, seen: dict[str, int]) -> None:
    if not value.strip():
        found.blank_ids.add(found.rows)
        return
    first = seen.setdefault(value, found.rows)
    if first != found.rows:
        found.repeats += 1
        found.repeated = found.repeated or Repeated(value, first, found.rows)


def survey_lines(lines: Iterable[dict[str, Any]], *, shape: str) -> Survey:
    """Convert *lines* of another provider's batch to their end, or until they raise :class:`Enough` or TableError."""
    found = Survey()
    for made in _until_enough(convert_records(lines, shape=shape), found):
        size = size_of(made, shape)
        found.characters += size.characters
        found.media += size.media
        found.max_tokens += size.max_tokens or 0
        found.unbounded += size.max_tokens is None
    return found


def size_of(made: Made, shape: str) -> Size:
    """Return the size of a record in the format named *shape*."""
    family = FAMILIES[SHAPES[shape].family]
    return family.size(family.parse(made.body))  # type: ignore[arg-type]  # its own family parsed it
