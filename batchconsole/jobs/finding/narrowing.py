"""Conditions of the job list's filter, rewritten so that an index answers them and few rows are read.

Each function gets a token's operator, including its negation, the token's value, and the condition that the token
means. It returns a condition that matches the same jobs, or the given one if no index helps.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q

from batchconsole.jobs.finding import durations, search
from batchconsole.jobs.finding.querysets import FEW
from batchconsole.jobs.models import BatchJob, Connection, base_model_id
from batchconsole.jobs.states import Status
from batchconsole.records.catalogue import models

NOBODY = "-"
TESTS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda text, asked: text == asked,
    ":": lambda text, asked: asked in text,
    "^": lambda text, asked: text.startswith(asked),
}


def name(operator: str, value: str, condition: Q) -> Q:
    if operator == "!:":
        others = search.names_without(value, using=DEFAULT_DB_ALIAS)
        return condition if others is None else Q(job_name__in=others)
    narrowed = Q() if operator.startswith("!") else search.narrowed_by_name(value, using=DEFAULT_DB_ALIAS)
    return narrowed & condition


def status(operator: str, value: str, condition: Q) -> Q:
    """Turn "not equal" into a list of all other statuses: an index finds what it contains, not what it lacks."""
    asked = value.replace(" ", "").lower()
    others = [each for each in Status if each.value.lower() != asked]
    return Q(status__in=others) if operator == "!=" and len(others) < len(Status) else condition


def lane(operator: str, value: str, condition: Q) -> Q:
    """Turn "not equal" into the other lane, as in :func:`status`."""
    if operator != "!=":
        return condition
    asked = value.lower().replace("_", " ").replace("-", " ")
    return Q(lane__in=[each for each, label in BatchJob.Lane.choices if str(label).lower() != asked])


def named_models(operator: str, value: str) -> list[str]:
    """Return the ids of the models whose catalogue names match; *operator* without its negation."""
    asked = value.lower()
    return [known.model_id for known in models() if TESTS[operator](known.name.lower(), asked)]


def model(operator: str, value: str, condition: Q) -> Q:
    """Rewrite the condition as a list of the model ids that jobs have: there are few of them, for any operator."""
    used = BatchJob.objects.model_ids()
    if used is None:
        return condition
    test, asked, named = TESTS[operator.replace("!", "")], value.lower(), named_models(operator.replace("!", ""), value)
    found = {each for each in used if test(each.lower(), asked) or base_model_id(each) in named}
    return Q(model_id__in=set(used) - found if operator.startswith("!") else found)


def created_by(operator: str, value: str, condition: Q) -> Q:
    """Rewrite the condition by the user's key, which an index has in list order; names are in another table."""
    keys = User.objects.filter(username=value).values_list("pk", flat=True)
    if value == NOBODY or not keys:
        return condition
    return ~Q(created_by=keys[0]) if operator == "!=" else Q(created_by=keys[0])


def tag(operator: str, value: str, condition: Q) -> Q:
    key, equals, text = value.partition("=")
    found = search.tagged(key, text if equals else None, using=DEFAULT_DB_ALIAS)
    return condition if found is None else ~found if operator == "!=" else found


def tags_together(values: Iterable[str]) -> Q:
    """Return a condition for the few jobs that have all tags of *values*, ``team=nlp`` each; else an empty one."""
    pairs = [(key, text) for key, equals, text in (value.partition("=") for value in values) if equals]
    return search.tagged_with_all(pairs, using=DEFAULT_DB_ALIAS) if len(pairs) > 1 else Q()


def end_time(operator: str, value: str, condition: Q) -> Q:
    """Add that a job that ended by a time was created by then, plus a day for clocks that differ from AWS's."""
    ends = [at for lookup, at in condition.deconstruct()[1] if lookup.startswith("end_time__lt")]
    return condition & Q(created_at__lt=ends[0] + timedelta(days=1)) if ends else condition


def duration(operator: str, value: str, condition: Q) -> Q:
    """Select jobs by key if few match: the jobs that ended and those that run are in different indexes."""
    parts = durations.conditions(operator, value)
    if parts is None:
        return condition
    everywhere = list(Connection.objects.values_list("pk", flat=True))  # both indexes begin with the connection
    jobs = BatchJob.objects.alias(seconds=durations.Seconds()).filter(connection__in=everywhere)
    ended, running = (list(jobs.filter(part).order_by().values_list("pk", flat=True)[: FEW + 1]) for part in parts)
    if len(ended) + len(running) <= FEW:
        return Q(pk__in=[*ended, *running])
    return condition if running else parts[0]
