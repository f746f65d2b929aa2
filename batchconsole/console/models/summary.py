"""The line below a model field that says what the model id in it means."""

from typing import Any

from batchconsole.jobs.costs.prices import price_for
from batchconsole.jobs.model_rules import refusal
from batchconsole.jobs.models import Connection
from batchconsole.records import catalogue


def summary_context(connection: Connection, model_id: str) -> dict[str, Any]:
    """Return the template context of the summary: the model, its price and any obstacle, as far as known."""
    if not model_id:
        return {}
    return {
        "model_id": model_id,
        "chosen_model": catalogue.find_model(model_id),
        "chosen_price": price_for(model_id, connection.region),
        "chosen_obstacle": refusal(model_id, connection.region),
    }
