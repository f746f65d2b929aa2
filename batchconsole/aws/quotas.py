"""Service Quotas: the account's limits for batch jobs, for each model."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from batchconsole.aws.errors import translate
from batchconsole.aws.session import Target, client

SERVICE_CODE = "bedrock"
# AWS's names of the quotas. Those of the size quotas come in two word orders.
# https://docs.aws.amazon.com/general/latest/gr/bedrock.html#limits_bedrock
NAMES = {
    "jobs_at_once": r"Sum of in-progress and submitted batch inference jobs using a base model for (?P<model>.+)",
    "jobs_at_once_of_custom_models": (
        r"Sum of in-progress and submitted batch inference jobs using a custom model for (?P<model>.+)"
    ),
    "min_records_per_job": r"Minimum number of records per batch inference job for (?P<model>.+)",
    "records_per_job": r"Records per batch inference job for (?P<model>.+)",
    "records_per_file": r"Records per input file per batch inference job for (?P<model>.+)",
    "gib_per_file": r"Batch inference input file size(?: \(in GB\))? for (?P<model>.+?)(?: \(in GB\))?",
    "gib_per_job": r"Batch inference job size(?: \(in GB\))? for (?P<model>.+?)(?: \(in GB\))?",
}
PATTERNS = {what: re.compile(pattern) for what, pattern in NAMES.items()}


@dataclass(frozen=True, kw_only=True)
class BatchQuota:
    """One limit of one model. ``what`` is a key of :data:`NAMES`, ``model`` is AWS's display name; sizes are in GiB."""

    model: str
    what: str
    value: float


def list_batch_quotas(target: Target) -> Iterator[BatchQuota]:
    """Yield the account's quotas for batch inference, with one call per hundred of Bedrock's quotas.

    Raises
    ------
    AwsError
        ``AccessDeniedException`` if ``servicequotas:ListServiceQuotas`` is not allowed, or AWS could not be reached.
    """
    with translate("ListServiceQuotas", permission="servicequotas:ListServiceQuotas"):
        pages = client(target, "service-quotas").get_paginator("list_service_quotas")
        for page in pages.paginate(ServiceCode=SERVICE_CODE):
            for item in page["Quotas"]:
                yield from _read(item)


def _read(item: dict[str, Any]) -> Iterator[BatchQuota]:
    for what, pattern in PATTERNS.items():
        match = pattern.fullmatch(item.get("QuotaName", ""))
        if match and "Value" in item:
            yield BatchQuota(model=match["model"], what=what, value=item["Value"])
