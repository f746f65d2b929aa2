"""Makes batch input: a record from each row with a prompt template, or from each line of another provider's batch.

Placeholders are column names in braces, ``{question}``. Text with quotation marks or colons in braces is no
placeholder, so JSON in a prompt is left alone. ``{{question}}`` writes the braces themselves.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Literal

import msgspec

from batchconsole.records import bodies
from batchconsole.records.body_parts import Untranslatable
from batchconsole.records.families.base import Request
from batchconsole.records.families.response_formats import schema_format
from batchconsole.records.foreign import ForeignLine, foreign_line, read_foreign, require_nothing_else
from batchconsole.records.foreign_members import Unreadable
from batchconsole.records.schema_fields import NAME, SchemaError, read_output_schema
from batchconsole.records.tables import Row, TableError, as_text

PLACEHOLDER = re.compile(r"\{\{([^{}\n]+)\}\}|\{([^{}\n\"':]+)\}")
ID_DIGITS = 7
MOST_TEMPLATE_CHARACTERS = 100_000
# The limit of a filled-in prompt. It exceeds what any model reads: a million tokens are four million characters.
MOST_PROMPT_CHARACTERS = 16 * 2**20

Part = Literal["template", "system", "record_id_column", "max_tokens", "temperature", "shape", "output_schema"]
PROMPTS: tuple[Part, ...] = ("template", "system")


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """How a row becomes a record.

    ``shape`` is one of :data:`bodies.SHAPES`. Without ``record_id_column`` records are numbered. ``max_tokens`` limits
    the output; if unset, the model's own limit applies, or a default if the shape needs one. ``output_schema`` is the
    JSON Schema for answers, as JSON; empty means text answers. ``record_id_prefix`` begins each number, so that
    several tables may be read as one input.
    """

    template: str = ""
    system: str = ""
    shape: str = "converse"
    record_id_column: str = ""
    max_tokens: int | None = None
    temperature: float | None = None
    output_schema: str = ""
    record_id_prefix: str = ""


class RecipeError(ValueError):
    """The recipe does not match the table. ``part`` is the part of the recipe to change."""

    def __init__(self, message: str, *, part: Part, hint: str = "") -> None:
        super().__init__(message)
        self.part = part
        self.hint = hint


class Made(msgspec.Struct, frozen=True):
    """One record: its id, and its request body for ``modelInput``."""

    record_id: str
    body: dict[str, Any]

    @property
    def line(self) -> bytes:
        """The record as a line of a ``.jsonl`` file."""
        return _encode({"recordId": self.record_id, "modelInput": self.body}) + b"\n"


_encode = msgspec.json.Encoder().encode


def placeholders(template: str) -> list[str]:
    """Return the column names in *template*, each once, in order."""
    names = (match[2].strip() for match in PLACEHOLDER.finditer(template) if match[2])
    return list(dict.fromkeys(filter(None, names)))


def fill(template: str, row: Row) -> str:
    """Return *template* with the row's values in place of the column names.

    Raises :class:`KeyError` for a missing column, and :class:`OverflowError` if the result would be longer than
    :data:`MOST_PROMPT_CHARACTERS`, before building it.
    """
    parts = [row[piece] if is_name else piece for is_name, piece in _pieces(template)]
    length = sum(map(len, parts))
    if length > MOST_PROMPT_CHARACTERS:
        raise OverflowError(f"It would be {length:,} characters long; at most {MOST_PROMPT_CHARACTERS:,} are written.")
    return "".join(parts)


@lru_cache(64)
def _pieces(template: str) -> tuple[tuple[bool, str], ...]:
    """Return the column names and the texts between them, in order, each with a flag that is true for names."""
    pieces: list[tuple[bool, str]] = []
    place = 0
    for match in PLACEHOLDER.finditer(template):
        name = (match[2] or "").strip()
        literal = f"{{{match[1]}}}" if match[1] else match[0]
        pieces += [(False, template[place : match.start()]), (bool(name), name or literal)]
        place = match.end()
    return (*pieces, (False, template[place:]))


def check_recipe(recipe: Recipe, columns: Iterable[str]) -> None:
    """Check that *recipe* matches a table with *columns*. Raises :class:`RecipeError` for the first problem."""
    known, shape = list(columns), bodies.SHAPES.get(recipe.shape)
    if shape is None:
        raise RecipeError(f"There is no record format {recipe.shape}.", part="shape")
    too_long: Part | None = next(
        (part for part in PROMPTS if len(getattr(recipe, part)) > MOST_TEMPLATE_CHARACTERS), None
    )
    if too_long:
        hint = "Put what differs between the records into a column."
        raise RecipeError(f"It is longer than {MOST_TEMPLATE_CHARACTERS:,} characters.", part=too_long, hint=hint)
    if not recipe.template.strip():
        raise RecipeError("Prompt template is required.", part="template")
    if not placeholders(recipe.template):
        raise RecipeError(
            "The prompt names no column, so every record would be the same.",
            part="template",
            hint=f"Write a column in braces, for example {{{known[0] if known else 'question'}}}.",
        )
    _check_names(recipe, known)
    _check_shape(recipe, shape)
    if recipe.output_schema:
        _check_schema(recipe, shape)


def _check_schema(recipe: Recipe, shape: bodies.Shape) -> None:
    if "response_format" not in shape.carries:
        able = [each.title for each in bodies.SHAPES.values() if "response_format" in each.carries]
        hint = f"Choose text answers, or one of these formats: {', '.join(able)}."
        raise RecipeError(f"{shape.title} takes no output schema.", part="output_schema", hint=hint)
    try:
        _schema(recipe)
    except SchemaError as error:
        raise RecipeError(str(error), part="output_schema") from error


def _schema(recipe: Recipe) -> dict[str, Any]:
    """Return the parsed output schema; Claude's own format requires every object in it to be closed."""
    return read_output_schema(recipe.output_schema, closed=recipe.shape == "anthropic")


def _check_names(recipe: Recipe, columns: list[str]) -> None:
    asked: list[tuple[Part, str]] = [("template", name) for name in placeholders(recipe.template)]
    asked += [("system", name) for name in placeholders(recipe.system)]
    asked += [("record_id_column", recipe.record_id_column)] if recipe.record_id_column else []
    for part, name in asked:
        if name not in columns:
            hint = f"The columns are: {_listed(columns)}."
            if part != "record_id_column":
                hint += f" To write the braces themselves, double them: {{{{{name}}}}}."
            raise RecipeError(f"There is no column {name}.", part=part, hint=hint)


def _listed(names: list[str], most: int = 20) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def _check_shape(recipe: Recipe, shape: bodies.Shape) -> None:
    unused: list[tuple[bool, Part, object, str]] = [
        (shape.takes_system, "system", recipe.system, "system prompt"),
        (shape.takes_sampling, "max_tokens", recipe.max_tokens, "limit of output tokens"),
        (shape.takes_sampling, "temperature", recipe.temperature, "temperature"),
    ]
    for is_taken, part, value, name in unused:
        if not is_taken and value not in (None, ""):
            raise RecipeError(f"{shape.title} takes no {name}.", part=part, hint="Leave it empty.")


def make_records(rows: Iterable[Row], recipe: Recipe, *, start: int = 1) -> Iterator[Made]:
    """Yield a record for each row, in order; *start* is the number of the first row.

    Raises
    ------
    RecipeError
        The recipe does not match the first row.
    TableError
        A later row cannot become a record: it lacks a column, or its prompt is blank or too long, or its id is blank.
    """
    for number, row in enumerate(rows, start):
        if number == start:
            check_recipe(recipe, row)
        yield _record(number, row, recipe)


def _record(number: int, row: Row, recipe: Recipe) -> Made:
    try:
        prompt, system = fill(recipe.template, row), fill(recipe.system, row)
        numbered = f"{recipe.record_id_prefix}row-{number:0{ID_DIGITS}}"
        record_id = row[recipe.record_id_column] if recipe.record_id_column else numbered
    except KeyError as error:
        raise TableError(
            f"It has no {error.args[0]}.", row=number, hint="Every row needs every column named."
        ) from None
    except OverflowError as error:
        raise TableError(str(error), row=number, hint="Leave out or shorten a column.") from None
    if not prompt.strip():
        raise TableError("Its prompt is blank.", row=number, hint="Fill in or leave out the rows without a value.")
    if not record_id.strip():
        raise TableError(f"Its {recipe.record_id_column} is blank, and a record needs an id.", row=number)
    messages = [{"role": "system", "content": system}] if system.strip() else []
    request = Request(
        messages=[*messages, {"role": "user", "content": prompt}],
        max_tokens=recipe.max_tokens,
        temperature=recipe.temperature,
        extra={"response_format": schema_format(_schema(recipe), NAME)} if recipe.output_schema else {},
    )
    try:
        return Made(record_id, bodies.write(recipe.shape, request))
    except Untranslatable as error:
        part = part_at(error.path)
        if part is None:
            raise TableError(str(error), row=number) from error
        raise RecipeError(str(error), part=part) from error


def part_at(path: str) -> Part | None:
    """Return the part of a recipe that the value at *path* of a request body comes from; None if it is the row's."""
    leaf = path.rpartition(".")[2]
    return next((part for part, names in _MEMBERS.items() if leaf in names), None) or next(
        (part for part, names in _OBJECTS.items() if any(name in path.split(".") for name in names)), None
    )


# Where the formats have what a recipe sets: members, and objects whose every member it sets.
_MEMBERS: dict[Part, frozenset[str]] = {
    "max_tokens": frozenset({"maxTokens", "max_tokens", "max_gen_len", "maxTokenCount"}),
    "temperature": frozenset({"temperature"}),
}
_OBJECTS: dict[Part, frozenset[str]] = {
    "output_schema": frozenset({"outputConfig", "output_config", "response_format"}),
}


def foreign_title(first: dict[str, Any]) -> str:
    """Return the batch format, such as ``OpenAI batch``, of a file by its *first* line; empty if it has none."""
    found = foreign_line(first)
    return found.title if found else ""


def is_batch_input(first: dict[str, Any]) -> bool:
    """Whether a file with the *first* line already holds Bedrock batch records."""
    return isinstance(first.get("modelInput"), dict)


def convert_records(lines: Iterable[dict[str, Any]], *, shape: str, start: int = 1) -> Iterator[Made]:
    """Yield records in *shape* from the lines of another provider's batch file.

    A line's model is left out; everything else is carried or refused by name. Every record passes the check. Lines
    without an id are numbered.

    Raises
    ------
    TableError
        A line has another format, or contains something that *shape* has no place for.
    """
    for number, line in enumerate(lines, start):
        found = foreign_line(line)
        if found is None:
            raise TableError("It is no line of an OpenAI, Anthropic, Gemini, or Vertex AI batch.", row=number)
        try:
            yield Made(as_text(found.record_id) or f"row-{number:0{ID_DIGITS}}", convert_body(found, shape))
        except (Unreadable, Untranslatable) as error:
            raise TableError(str(error), row=number, hint=error.hint) from error


def convert_body(line: ForeignLine, shape: str) -> dict[str, Any]:
    """Return the body of *line* in *shape*: unchanged if it is in that format, otherwise through a neutral request.

    Raises :class:`Unreadable` and :class:`Untranslatable`.
    """
    target = bodies.SHAPES[shape]
    if target.family != line.family:
        return bodies.write(shape, read_foreign(line))
    require_nothing_else(line)
    body = {name: value for name, value in line.body.items() if name != "model" and (name != "stream" or value)}
    if line.family == "anthropic":
        body = {**body, "anthropic_version": bodies.ANTHROPIC_VERSION}  # Vertex AI uses its own
    return bodies.checked(shape, body)
