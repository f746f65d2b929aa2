"""What makes one form the same as another."""

import pytest
from django.http import QueryDict

from batchconsole.console.kit.sent_twice import request_mark

TOKEN = "0123456789abcdef" * 2
SENT = f"request_token={TOKEN}&job=1&job=2&csrfmiddlewaretoken=a"


@pytest.mark.parametrize(
    "again", [SENT, SENT.replace("token=a", "token=b"), f"job=1&job=2&request_token={TOKEN}"], ids=str
)
def test_a_form_sent_again_has_the_same_mark(again: str) -> None:
    assert request_mark(QueryDict(again)) == request_mark(QueryDict(SENT))


@pytest.mark.parametrize("other", [SENT.replace("job=2", "job=3"), SENT + "&all=1", SENT.replace("0", "1")])
def test_a_form_that_was_changed_has_another(other: str) -> None:
    assert request_mark(QueryDict(other)) != request_mark(QueryDict(SENT))


def test_a_form_with_another_file_has_another() -> None:
    assert request_mark(QueryDict(SENT), "a") != request_mark(QueryDict(SENT), "b")


@pytest.mark.parametrize("token", ["", "short", "x" * 32, TOKEN.upper()])
def test_a_token_that_was_not_given_out_marks_nothing(token: str) -> None:
    assert request_mark(QueryDict(SENT.replace(TOKEN, token))) == ""
