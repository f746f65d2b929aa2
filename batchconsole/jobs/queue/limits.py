"""The limits of a model: an administrator's override, then Service Quotas, then shipped defaults, field by field."""

from collections.abc import Iterable
from dataclasses import fields, replace

from django.db.models import Q

from batchconsole.jobs.models import Connection, ModelLimit, base_model_id
from batchconsole.records.limits import DEFAULTS, DEFAULTS_OF_CUSTOM_MODELS, Limits

CUSTOM_MODEL = "custom-model/"
GIB = 1024**3


NAMES = tuple(field.name for field in fields(Limits) if field.name != "sources")
DEFAULTS_BY_MODEL = {
    "amazon.nova-lite-v1:0": Limits(bytes_per_job=100 * GIB),
    "amazon.nova-pro-v1:0": Limits(bytes_per_job=100 * GIB),
}


def limits_for(connection: Connection, model_id: str) -> Limits:
    """Return the limits of *model_id*, in any form that the API accepts."""
    return limits_of(connection.pk, base_model_id(model_id))


def limits_of(connection_id: int, base_model: str) -> Limits:
    """Return the limits of a model by its :func:`base_model_id`."""
    return limits_of_each(connection_id, [base_model])[base_model]


def limits_of_each(connection_id: int, base_models: Iterable[str]) -> dict[str, Limits]:
    """Return the limits of several models with one query."""
    models = list(base_models)
    rows = ModelLimit.objects.filter(Q(connection_id=connection_id) | Q(connection=None), model_id__in=["", *models])
    ranked = sorted(rows, key=_weight)
    return {
        model: _lay_over(_defaults(model), [row for row in ranked if row.model_id in ("", model)]) for model in models
    }


def _defaults(base_model: str) -> Limits:
    if base_model.startswith(CUSTOM_MODEL):
        return DEFAULTS_OF_CUSTOM_MODELS
    return DEFAULTS_BY_MODEL.get(base_model, DEFAULTS)


def _weight(row: ModelLimit) -> tuple[bool, bool, bool]:
    """Return the sort key; the greatest row wins: an override, then a named connection, then a named model."""
    return row.source == ModelLimit.Source.OVERRIDE, row.connection_id is not None, bool(row.model_id)


def _lay_over(limits: Limits, rows: Iterable[ModelLimit]) -> Limits:
    sources: dict[str, str] = {}
    for row in rows:
        said = {name: getattr(row, name) for name in NAMES if getattr(row, name) is not None}
        limits = replace(limits, **said)
        sources |= dict.fromkeys(said, str(ModelLimit.Source(row.source).label))
    return replace(limits, sources=tuple(sorted(sources.items())))
