"""Conditions of the job list's filter, said so that an index can answer them and few rows have to be read.

Each function gets a token's operator, its negation included, its value, and the condition that it means. It gives one
that the same jobs meet, or the one that it was given where no index helps.
"""

from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q

from batchconsole.jobs import search
from batchconsole.jobs.models import BatchJob, base_model_id
from batchconsole.jobs.states import Status
from batchconsole.records.catalogue import models

NOBODY = "-"
TESTS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda text, asked: text == asked,
    ":": lambda text, asked: asked in text,
    "^": lambda text, asked: text.startswith(asked),
}


def name(operator: str, value: str, condition: Q) -> Q:
    narrowed = Q() if operator.startswith("!") else search.narrowed_by_name(value, using=DEFAULT_DB_ALIAS)
    return narrowed & condition


def status(operator: str, value: str, condition: Q) -> Q:
    """All others by name, since an index finds what is in it and not what is not."""
    asked = value.replace(" ", "").lower()
    others = [each for each in Status if each.value.lower() != asked]
    return Q(status__in=others) if operator == "!=" and len(others) < len(Status) else condition


def named_models(operator: str, value: str) -> list[str]:
    """The ids of the models whose names in the catalogue match; *operator* without its negation."""
    asked = value.lower()
    return [known.model_id for known in models() if TESTS[operator](known.name.lower(), asked)]


def model(operator: str, value: str, condition: Q) -> Q:
    """By the ids that jobs have: they are few, whichever way they are asked for."""
    used = BatchJob.objects.model_ids()
    if used is None:
        return condition
    test, asked, named = TESTS[operator.replace("!", "")], value.lower(), named_models(operator.replace("!", ""), value)
    found = {each for each in used if test(each.lower(), asked) or base_model_id(each) in named}
    return Q(model_id__in=set(used) - found if operator.startswith("!") else found)


def created_by(operator: str, value: str, condition: Q) -> Q:
    """By the key, which the index has in the order of the list; the name is in another table."""
    keys = User.objects.filter(username=value).values_list("pk", flat=True)
    if value == NOBODY or not keys:
        return condition
    return ~Q(created_by=keys[0]) if operator == "!=" else Q(created_by=keys[0])


def tag(operator: str, value: str, condition: Q) -> Q:
    key, equals, text = value.partition("=")
    found = search.tagged(key, text if equals else None, using=DEFAULT_DB_ALIAS)
    return condition if found is None else ~found if operator == "!=" else found


def end_time(operator: str, value: str, condition: Q) -> Q:
    """What has ended by then was created by then; a day more, for clocks that differ from AWS's."""
    ends = [at for lookup, at in condition.deconstruct()[1] if lookup.startswith("end_time__lt")]
    return condition & Q(created_at__lt=ends[0] + timedelta(days=1)) if ends else condition
