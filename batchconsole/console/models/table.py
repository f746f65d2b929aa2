"""The models page: the catalog, filtered by the query string, sorted and paginated."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.urls import reverse

from batchconsole.console.kit.columns import Column, Heading
from batchconsole.console.kit.links import query_string
from batchconsole.console.kit.pagination import Page, page_number, page_of
from batchconsole.console.models.choices import ModelChoice
from batchconsole.console.models.search import ModelSearch
from batchconsole.jobs.models import Actor, Connection


@dataclass(frozen=True, kw_only=True)
class ModelColumn(Column):
    """A column with its sort key; unknown values (None) come last in either order."""

    key: Callable[[ModelChoice], Any]
    sorts: bool = True


COLUMNS = {
    column.name: column
    for column in (
        ModelColumn(name="name", title="Model", key=lambda choice: choice.model.name.lower()),
        ModelColumn(name="provider", title="Provider", key=lambda choice: choice.model.provider.lower()),
        ModelColumn(name="batch", title="Batch inference", key=lambda choice: (bool(choice.obstacle), choice.support)),
        ModelColumn(name="types", title="Inference types", key=lambda choice: choice.scopes or None),
        ModelColumn(name="modalities", title="Modalities", key=lambda choice: choice.direction),
        ModelColumn(
            name="output_tokens",
            title="Maximum output tokens",
            key=lambda choice: choice.model.max_output_tokens,
            is_numeric=True,
        ),
        ModelColumn(name="input_price", title="Input price", key=lambda choice: choice.input_price, is_numeric=True),
        ModelColumn(name="output_price", title="Output price", key=lambda choice: choice.output_price, is_numeric=True),
        ModelColumn(
            name="priced",
            title="Price as of",
            key=lambda choice: (choice.price.as_of, choice.price.source) if choice.price else None,
        ),
    )
}


class ModelTable:
    """One page of the matching models. The query string is the only state; invalid parameters are ignored."""

    def __init__(self, connection: Connection, actor: Actor, *, query: QueryDict, page_size: int) -> None:
        self.connection = connection
        self.search = ModelSearch.read(connection, actor, query=query)
        sort = query.get("sort", "")
        self.sort = sort if sort.removeprefix("-") in COLUMNS else ""
        rows = sort_choices(self.search.matching, self.sort)
        self.page: Page = page_of(rows, number=page_number(query.get("page", "")), size=page_size)

    def link(self, **changes: str) -> str:
        """Return the URL of the list with *changes*, on its first page unless they say otherwise."""
        values = {**self.search.values, "sort": self.sort, **changes}
        kept = {name: value for name, value in values.items() if value}
        return reverse("model-list", args=[self.connection.name]) + query_string(kept)

    @property
    def url(self) -> str:
        """This page's own URL, without invalid parameters."""
        return self.link(page=str(self.page.number) if self.page.number > 1 else "")

    @property
    def clear_url(self) -> str:
        """The URL of all models in the same order."""
        return self.link(**dict.fromkeys(self.search.values, ""))

    @property
    def headings(self) -> Iterator[Heading]:
        """The columns with their sort state. A click on an ascending column sorts it in descending order."""
        orders = {self.sort.removeprefix("-"): "descending" if self.sort.startswith("-") else "ascending"}
        for name, column in COLUMNS.items():
            order = orders.get(name, "")
            yield Heading(column, order, self.link(sort=f"-{name}" if order == "ascending" else name))


def sort_choices(choices: Sequence[ModelChoice], sort: str) -> list[ModelChoice]:
    """Sort *choices* by the column in *sort*, descending with a leading hyphen; if empty, keep the catalog's order."""
    if not sort:
        return list(choices)
    key = COLUMNS[sort.removeprefix("-")].key
    known = [choice for choice in choices if key(choice) is not None]
    unknown = [choice for choice in choices if key(choice) is None]
    return [*sorted(known, key=key, reverse=sort.startswith("-")), *unknown]
