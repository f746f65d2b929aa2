"""Suggestions for the filter of the job list: properties, their values, and values from the newest jobs.

The numbers of jobs read and of values offered are bounded.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from batchconsole.jobs.finding.filters import MAX_TEXT
from batchconsole.jobs.finding.properties import PROPERTIES, Property
from batchconsole.jobs.models import BatchJob, Connection
from batchconsole.jobs.rights.access import people_on
from batchconsole.records.catalogue import find_model

MOST = 12  # of each kind
READ = 200  # jobs


class Suggestion(NamedTuple):
    """A text to complete; *label* is an alternative name for it."""

    text: str
    label: str = ""


def suggestions(connection: Connection) -> Iterator[Suggestion]:
    """Yield all suggestions, in the order of the properties."""
    newest = list(BatchJob.objects.filter(connection=connection).values_list("model_id", "tags")[:READ])
    found = {"by": _people(connection), "model": _models(model_id for model_id, _ in newest), "tag": _tags(newest)}
    for each in PROPERTIES:
        values = found.get(each.name, map(Suggestion, each.values or each.suggested))
        if not each.values and each.name != "by":
            yield from (Suggestion(f"{each.title} {operator} ") for operator in each.operators)
        offered = [_equals(each, value) for value in values]
        yield from (offer for offer in offered if len(offer.text) <= MAX_TEXT)


def _equals(of: Property, value: Suggestion) -> Suggestion:
    return value._replace(text=f"{of.title} = {value.text}")


def _people(connection: Connection) -> list[Suggestion]:
    """Return some users who may have created jobs."""
    return list(map(Suggestion, people_on([connection]).values_list("username", flat=True)[:MOST]))


def _models(model_ids: Iterable[str]) -> list[Suggestion]:
    """Return the most frequent models: by name, which matches each of its ids, and by id."""
    ids = [model_id for model_id, _ in Counter(model_ids).most_common(MOST)]
    names = {model_id: known.name for model_id in ids if (known := find_model(model_id))}
    return [*map(Suggestion, dict.fromkeys(names.values())), *(Suggestion(each, names.get(each, "")) for each in ids)]


def _tags(newest: Iterable[tuple[str, list[dict[str, str]]]]) -> list[Suggestion]:
    """Return the most frequent tags: keys first, then key=value pairs."""
    tags = [(tag["key"], tag["value"]) for _, tags in newest for tag in tags or [] if "=" not in tag["key"]]
    keys = Counter(key for key, _ in tags).most_common(MOST)
    pairs = Counter(f"{key}={value}" for key, value in tags if value and value == value.strip()).most_common(MOST)
    return [Suggestion(text) for text, _ in [*keys, *pairs]]
