"""The bounded look through a table: how long it is, and which values are blank or repeated."""

from collections.abc import Iterator

import pytest

from batchconsole.records.making import Recipe, RecipeError, make_records
from batchconsole.records.rows import Row, TableError
from batchconsole.records.surveying import Enough, Missing, Repeated, survey_lines, survey_rows

RECIPE = Recipe(template="{q} of {p}", system="Be {tone}.", record_id_column="id")
ROWS: list[Row] = [
    {"id": "a", "q": "Why", "p": "1", "tone": "brief"},
    {"id": "b", "q": " ", "p": "2", "tone": ""},
    {"id": "a", "q": "", "p": "3", "tone": "kind"},
    {"id": "", "q": "How", "p": "4", "tone": "kind"},
]


def test_it_counts_rows_characters_and_rows_without_a_value() -> None:
    found = survey_rows(ROWS, RECIPE)
    assert (found.rows, found.is_whole) == (4, True)
    prompts = ["Why of 1Be brief.", "  of 2Be .", " of 3Be kind.", "How of 4Be kind."]
    assert found.characters == sum(map(len, prompts))
    assert found.missing == [Missing("q", 2, 2), Missing("tone", 1, 2)]


def test_it_finds_ids_that_are_repeated_or_blank() -> None:
    found = survey_rows(ROWS, RECIPE)
    assert (found.repeats, found.repeated) == (1, Repeated("a", 1, 3))
    assert found.blank_ids == Missing("", 1, 4)


def test_it_finds_blank_prompts() -> None:
    found = survey_rows([{"q": "x"}, {"q": " "}, {"q": ""}], Recipe(template="{q}"))
    assert found.blank_prompts == Missing("", 2, 2)


@pytest.mark.parametrize(
    ("error", "is_whole", "fault"),
    [(Enough(), False, ""), (TableError("It is short.", hint="Mend it.", row=3), True, "Row 3: It is short. Mend it.")],
)
def test_what_was_read_before_the_end_counts(error: Exception, is_whole: bool, fault: str) -> None:
    def rows() -> Iterator[Row]:
        yield from ROWS[:2]
        raise error

    found = survey_rows(rows(), RECIPE)
    assert (found.rows, found.is_whole, found.fault) == (2, is_whole, fault)


def test_a_row_without_a_column_ends_it() -> None:
    found = survey_rows([{"q": "x"}, {"other": "y"}, {"q": "z"}], Recipe(template="{q}"))
    assert (found.rows, found.fault) == (2, "Row 2: It has no q.")


def test_lines_of_another_provider_have_limits_of_their_own() -> None:
    bodies = [{"messages": [{"role": "user", "content": "Hi!!"}], "max_tokens": limit} for limit in (10, 20)]
    bodies.append({"messages": [{"role": "user", "content": "Hi"}]})
    found = survey_lines([{"custom_id": "x", "body": body} for body in bodies], shape="converse")
    assert (found.rows, found.characters, found.max_tokens, found.unbounded) == (3, 10, 30, 1)


@pytest.mark.parametrize("shape", ["converse", "anthropic", "nova", "llama", "mistral", "titan_text"])
def test_a_number_that_the_format_refuses_is_said_of_its_part(shape: str) -> None:
    with pytest.raises(RecipeError, match="at most 1") as caught:
        list(make_records([{"q": "x"}], Recipe(template="{q}", shape=shape, temperature=1.5)))
    assert caught.value.part == "temperature"
