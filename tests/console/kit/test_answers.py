"""A refusal reads the same on a page, in a part of one, and for a program."""

import pytest
from django.test import RequestFactory

from batchconsole.console.kit.answers import Refusal, refuse

GONE = Refusal("Page not found", "This job doesn't exist.", "Look in the list.")


@pytest.mark.parametrize(
    ("headers", "kind", "beginning"),
    [
        ({"Accept": "text/html"}, "text/html", "<!doctype html>"),
        ({"Accept": "*/*", "X-Part": "true"}, "text/html", '<div class="alert"'),
        ({"Accept": "text/html", "HX-Request": "true"}, "text/html", '<div class="alert"'),
        ({"Accept": "application/json", "X-Part": "true"}, "application/json", '{"message"'),
        ({"Accept": "*/*"}, "text/plain", "Page not found. "),
    ],
    ids=["a page", "a script of ours", "htmx", "a script that asks for JSON", "a program"],
)
def test_each_asker_is_refused_in_its_own_form(headers: dict[str, str], kind: str, beginning: str) -> None:
    request = RequestFactory().get("/", headers=headers)
    answer = refuse(request, GONE, status=404, page="refused_plain.html")
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith(kind)
    assert answer.text.startswith(beginning)
    for words in (GONE.title, "This job doesn", GONE.hint):
        assert words in answer.text
