"""What the filter of the job list offers to complete: properties, their values, and what the newest jobs have.

Only so many jobs are read and so many values offered, however many there are.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from batchconsole.jobs.access import people_on
from batchconsole.jobs.filters import MAX_TEXT
from batchconsole.jobs.models import BatchJob, Connection
from batchconsole.jobs.properties import PROPERTIES, Property
from batchconsole.records.catalogue import find_model

MOST = 12  # of each kind
READ = 200  # jobs


class Suggestion(NamedTuple):
    """One text to choose; *label* is what else it is called."""

    text: str
    label: str = ""


def suggestions(connection: Connection) -> Iterator[Suggestion]:
    """All of them, in the order of the properties."""
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
    """Who may have created jobs, as far as a list of suggestions is good for."""
    return list(map(Suggestion, people_on([connection]).values_list("username", flat=True)[:MOST]))


def _models(model_ids: Iterable[str]) -> list[Suggestion]:
    """The models in use by name, which finds each of its ids, and by id."""
    ids = [model_id for model_id, _ in Counter(model_ids).most_common(MOST)]
    names = {model_id: known.name for model_id in ids if (known := find_model(model_id))}
    return [*map(Suggestion, dict.fromkeys(names.values())), *(Suggestion(each, names.get(each, "")) for each in ids)]


def _tags(newest: Iterable[tuple[str, list[dict[str, str]]]]) -> list[Suggestion]:
    """The tags in use: keys, then keys with their values, the frequent ones first."""
    tags = [(tag["key"], tag["value"]) for _, tags in newest for tag in tags or [] if "=" not in tag["key"]]
    keys = Counter(key for key, _ in tags).most_common(MOST)
    pairs = Counter(f"{key}={value}" for key, value in tags if value and value == value.strip()).most_common(MOST)
    return [Suggestion(text) for text, _ in [*keys, *pairs]]
