"""Import the account's quotas from AWS, once a day for each connection with the permission to read them."""

import logging
import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from functools import cache

from django.db import DEFAULT_DB_ALIAS, transaction
from django.utils import timezone

from batchconsole.aws.quotas import BatchQuota, list_batch_quotas
from batchconsole.jobs.finding import search
from batchconsole.jobs.leases import CONTROL, Failure, Lease, step
from batchconsole.jobs.models import Connection, ModelLimit
from batchconsole.jobs.queue.limits import CUSTOM_MODEL, GIB
from batchconsole.records import catalogue

logger = logging.getLogger(__name__)

EVERY = timedelta(days=1)
Rows = dict[str, dict[str, int]]  # by model, then by the limit's field


@step(Connection, queue=CONTROL, prefix="limits_", farthest=2 * EVERY)
def refresh_limits(connection: Connection, lease: Lease) -> None:
    """Do the daily work for *connection*: import its quotas, and update SQLite's statistics of jobs.

    A connection with its own endpoint is not AWS and has limits that Service Quotas does not know, so none are
    imported.
    """
    search.update_statistics(using=DEFAULT_DB_ALIAS)
    if not (connection.endpoint_url or connection.bedrock_endpoint_url):
        take_limits(connection)
    lease.end(due_at=timezone.now() + EVERY)


@refresh_limits.on_failure
def _keep_limits(connection: Connection, lease: Lease, error: Failure) -> None:
    """Keep the known limits if AWS does not let the quotas be read."""
    logger.info("Quotas of %s cannot be read: %s", connection.name, error)
    lease.end(due_at=timezone.now() + EVERY)


def take_limits(connection: Connection) -> None:
    """Replace the known quotas of *connection* with the ones AWS reports now. Raises :class:`AwsError`."""
    found = _by_model(list_batch_quotas(connection.target))
    source = ModelLimit.Source.SERVICE_QUOTAS
    rows = [ModelLimit(connection=connection, model_id=model, source=source, **row) for model, row in found.items()]
    with transaction.atomic():
        ModelLimit.objects.filter(connection=connection, source=source).delete()
        ModelLimit.objects.bulk_create(rows)


def _by_model(quotas: Iterable[BatchQuota]) -> Rows:
    found: Rows = defaultdict(dict)
    for quota in quotas:
        model_id = model_named(quota.model)
        if model_id is None:
            logger.info("The catalogue has no model that Service Quotas calls %r.", quota.model)
        elif quota.what == "jobs_at_once_of_custom_models":
            found[CUSTOM_MODEL + model_id]["jobs_at_once"] = int(quota.value)
        elif quota.what.startswith("gib_"):
            found[model_id][quota.what.replace("gib_", "bytes_")] = int(quota.value * GIB)
        else:
            found[model_id][quota.what] = int(quota.value)
    return found


def model_named(name: str) -> str | None:
    """Return the id of the catalogue's model that Service Quotas calls *name*: ``Nova Lite V1``, ``Qwen3 235B``.

    Names there may be truncated, so the beginning of a name is enough if it matches only one model.
    """
    without_version = re.sub(r" V1$", "", name)
    for spoken in (name, without_version, without_version.partition(" ")[2]):
        plain = _plain(spoken)
        longer = [known for known in _names() if plain and known.startswith(plain)]
        if plain in longer or len(longer) == 1:
            return _names()[plain if plain in longer else longer[0]]
    return None


@cache
def _names() -> dict[str, str]:
    return {_plain(model.name): model.model_id for model in reversed(catalogue.models())}


def _plain(name: str) -> str:
    """Return only lower-case letters and digits, without ``Instruct``, which not every source includes."""
    return re.sub(r"[^a-z0-9]|instruct", "", name.lower())
