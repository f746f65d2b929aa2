"""A request that is sent twice makes one row, also when both arrive at the same moment: everybody looks before anybody
may write.
"""

import threading
from functools import partial

import pytest
from django.contrib.auth.models import User

from batchconsole.jobs.models import BulkAction, Connection, MadeInput
from batchconsole.jobs.same_request import Made, made_before, made_once
from tests.jobs.test_scheduling import at_once

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "0123456789abcdef" * 2
FIELDS = {MadeInput: {"source_name": "a.csv", "source_size": 1, "output_s3_uri": "s3://b/a.jsonl"}, BulkAction: {}}


def make(model: type[Made], connection: Connection, person: User | None, token: str) -> Made:
    row = model(connection=connection, created_by=person, request_token=token, **FIELDS[model])
    row.save()
    return row


@pytest.mark.parametrize("model", [MadeInput, BulkAction])
def test_two_at_the_same_moment_make_one(nowhere: Connection, person: User, model: type[Made]) -> None:
    both_have_looked = threading.Barrier(2, timeout=30)

    def make_late() -> Made:
        both_have_looked.wait()
        return make(model, nowhere, person, TOKEN)

    found = at_once(*[partial(made_once, model, nowhere, person, token=TOKEN, make=make_late)] * 2)
    assert found == [model._base_manager.get()] * 2


def test_the_second_makes_nothing(nowhere: Connection, person: User) -> None:
    first = make(BulkAction, nowhere, person, TOKEN)
    assert made_once(BulkAction, nowhere, person, token=TOKEN, make=lambda: pytest.fail("made twice")) == first


def test_a_request_without_a_token_is_like_no_other(nowhere: Connection, person: User) -> None:
    again = partial(make, BulkAction, nowhere, person, "")
    assert made_once(BulkAction, nowhere, person, token="", make=again) != made_once(
        BulkAction, nowhere, person, token="", make=again
    )


def test_nobody_is_led_to_what_somebody_else_has_made(nowhere: Connection, person: User) -> None:
    ada = User.objects.create(username="ada-of-the-tokens")
    first = make(BulkAction, nowhere, person, TOKEN)
    second = made_once(BulkAction, nowhere, ada, token=TOKEN, make=partial(make, BulkAction, nowhere, ada, TOKEN))
    assert second != first
    assert made_before(BulkAction, nowhere, person, TOKEN) == first
