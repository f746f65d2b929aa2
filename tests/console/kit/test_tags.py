"""The rules of tags, in the words of AWS's tag editor."""

from typing import Any

import pytest

from batchconsole.console.kit.layout import limit_text
from batchconsole.console.kit.tags import tag_formset, tag_rows
from batchconsole.jobs.models import BatchJob, Connection
from batchconsole.jobs.tags import tags_in_use


def errors(*rows: tuple[str, str]) -> list[Any]:
    formset = tag_formset([{"key": key, "value": value} for key, value in rows], bound=True)
    formset.is_valid()
    return [message for form in formset for messages in form.errors.values() for message in messages] + list(
        formset.non_form_errors()
    )


def test_it_works() -> None:
    formset = tag_formset([{"key": "team", "value": "nlp"}, {"key": "empty", "value": ""}], bound=True)
    assert formset.is_valid()
    assert formset.tags == [{"key": "team", "value": "nlp"}, {"key": "empty", "value": ""}]


def test_an_empty_row_is_no_tag() -> None:
    formset = tag_formset([{"key": "", "value": ""}], bound=True)
    assert formset.is_valid()
    assert formset.tags == []


def test_a_value_needs_a_key() -> None:
    assert errors(("", "nlp")) == ["You must specify a tag key"]


def test_keys_are_unique() -> None:
    assert errors(("team", "a"), ("team", "b")) == ["You must specify a unique tag key."]


def test_keys_of_another_case_are_other_keys() -> None:
    assert errors(("team", "a"), ("Team", "b")) == []


@pytest.mark.parametrize("key", ["aws:team", "AWS:team"])
def test_keys_of_aws_are_refused(key: str) -> None:
    assert errors((key, "x")) == ["Cannot start with aws:"]


def test_a_long_key_is_refused() -> None:
    assert errors(("k" * 129, "x")) == ["The maximum number of characters you can use in a tag key is 128."]
    assert errors(("k" * 128, "x")) == []


def test_a_long_value_is_refused() -> None:
    assert errors(("k", "v" * 257)) == ["The maximum number of characters you can use in a tag value is 256."]
    assert errors(("k", "v" * 256)) == []


def test_characters_the_api_refuses_are_refused() -> None:
    assert errors(("a#b", "x"))[0].startswith("Invalid key. Keys can only contain")
    assert errors(("a", "x;y"))[0].startswith("Invalid value. Values can only contain")


def test_fifty_tags_are_the_most() -> None:
    rows = [(f"key{number}", "x") for number in range(51)]
    assert errors(*rows[:50]) == []
    assert errors(*rows) == ["You have exceeded the limit of 50 tags. Remove 1."]


def test_rows_are_read_in_their_order_whatever_their_numbers() -> None:
    data = {"tags-10-key": "c", "tags-2-key": "b", "tags-2-value": "2", "tags-0-key": "a", "tags-x-key": "no"}
    assert [row["key"] for row in tag_rows(data)] == ["a", "b", "c"]


def test_rows_need_no_management_form() -> None:
    assert tag_rows({"tags-0-key": "team", "tags-0-value": "nlp"}) == [{"key": "team", "value": "nlp"}]


@pytest.mark.parametrize(
    ("left", "text"),
    [
        (50, "You can add up to 50 tags."),
        (49, "You can add up to 49 more tags."),
        (1, "You can add up to 1 more tag."),
        (0, "You have reached the limit of 50 tags."),
        (-1, "You have exceeded the limit of 50 tags."),
    ],
)
def test_the_limit_is_said_in_words(left: int, text: str) -> None:
    assert limit_text(left, 50, "tag") == text


@pytest.mark.django_db
def test_tags_of_earlier_jobs_are_suggested_the_frequent_ones_first(connection: Connection) -> None:
    for name, value in (("a", "nlp"), ("b", "nlp"), ("c", "vision")):
        BatchJob.objects.create(connection=connection, job_name=name, tags=[{"key": "team", "value": value}])
    assert tags_in_use(connection) == {"key": ["team"], "value": ["nlp", "vision"]}
