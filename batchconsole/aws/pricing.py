"""AWS's Price List: the published prices of a million tokens in batch jobs.

The rows differ by service. ``AmazonBedrock`` (Nova, Llama, Mistral, open-weight models) names the model in the
attribute ``model`` and counts in thousands: usage type ``USE1-NovaMicro-input-tokens-batch``, unit ``1K tokens``.
``AmazonBedrockFoundationModels`` (Claude and others sold through AWS Marketplace) names it in ``servicename`` and
counts in millions: ``USE1-MP:USE1_InputTokenCount_Global_Batch-Units``, unit ``1M tokens`` or ``Units``.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from batchconsole.aws.errors import translate
from batchconsole.aws.session import Target, client

# The API has endpoints in a few regions only; each returns the prices of all regions.
# https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html
ENDPOINT_REGION = "us-east-1"
SERVICE_CODES = ("AmazonBedrock", "AmazonBedrockFoundationModels")

TOKENS_PER_UNIT = {"1k tokens": 1_000, "1m tokens": 1_000_000, "units": 1_000_000}
MILLION = 1_000_000

Direction = Literal["input", "output"]

_DIRECTION = re.compile(r"(input|output)[-_]?token")
# Prices that are not for text tokens in batch jobs: other tiers, the prompt cache, capacity, media, long prompts.
_OTHER = re.compile(
    r"cache|flex|priority|latency|reserved|provisioned|tpm|custom|rft|image|audio|video|speech|lctx|long[-_]?(?:ctx|context)"
)
_EDITION = re.compile(r"\(Amazon Bedrock(?: Edition)?\)\s*$")
_REGION_PREFIX = re.compile(r"^[A-Z]{2,4}\d?-")
_TAIL = re.compile(r"-(?:mantle-)?(?:text-)?(?:input|output)-token.*$")
_MANTLE = re.compile(r"^[A-Z]{2,4}\d?-([a-z0-9]+\.[a-z0-9.-]+?)-mantle-")


@dataclass(frozen=True, kw_only=True)
class TokenPrice:
    """One published price.

    Attributes
    ----------
    model : str
        The model's name as AWS prints it: ``Nova Micro``, ``Claude Haiku 4.5``.
    usage_name : str
        The model's name in the usage type, such as ``Mistral-Large-3-675b-Instruct``; empty if it has none.
    model_id : str
        The model's id if the usage type contains it; else empty.
    region : str
        The region of the jobs that it applies to.
    direction : {"input", "output"}
        The tokens that it applies to.
    is_global : bool
        Whether it applies to the ``global.`` inference profile, which may cost less than the others.
    usd_per_million : Decimal
        USD per million tokens.
    """

    model: str
    usage_name: str
    model_id: str
    region: str
    direction: Direction
    is_global: bool
    usd_per_million: Decimal


def list_batch_prices(target: Target, region: str) -> Iterator[TokenPrice]:
    """Yield the batch prices of text tokens in *region* for every model that AWS lists, and no other prices.

    Only the credentials of *target* matter, and its endpoint if it has one. A price does not prove that the model
    accepts batch jobs.

    Raises
    ------
    AwsError
        ``AccessDeniedException`` if ``pricing:GetProducts`` is not allowed, or AWS could not be reached.
    """
    for code in SERVICE_CODES:
        for product in _products(replace(target, region=ENDPOINT_REGION), code, region):
            yield from read_product(product)


def _products(target: Target, service_code: str, region: str) -> Iterator[dict[str, Any]]:
    pages = client(target, "pricing").get_paginator("get_products")
    wanted = [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}]
    with translate("GetProducts", permission="pricing:GetProducts", subject=f"service {service_code}"):
        for page in pages.paginate(ServiceCode=service_code, Filters=wanted):
            yield from (json.loads(text) for text in page["PriceList"])


def read_product(product: dict[str, Any]) -> Iterator[TokenPrice]:
    """Yield the prices in one entry of a response's ``PriceList``: none unless it is a batch price of text tokens."""
    attributes = product.get("product", {}).get("attributes", {})
    usage_type = str(attributes.get("usagetype", ""))
    told = " ".join([usage_type, attributes.get("inferenceType", ""), attributes.get("feature", "")]).lower()
    direction = _DIRECTION.search(usage_type.lower()) or _DIRECTION.search(told.replace(" ", "-"))
    if "batch" not in told or _OTHER.search(told) or not direction:
        return
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term.get("priceDimensions", {}).values():
            usd = _usd_per_million(dimension)
            if usd is not None:
                yield TokenPrice(
                    model=_EDITION.sub("", attributes.get("model") or attributes.get("servicename", "")).rstrip(),
                    usage_name=_usage_name(usage_type),
                    model_id=_model_id(usage_type),
                    region=attributes.get("regionCode", ""),
                    direction="input" if direction[1] == "input" else "output",
                    is_global="global" in told,
                    usd_per_million=usd,
                )


def _usd_per_million(dimension: dict[str, Any]) -> Decimal | None:
    tokens = TOKENS_PER_UNIT.get(str(dimension.get("unit", "")).lower())
    try:
        usd = Decimal(dimension["pricePerUnit"]["USD"])
    except (KeyError, InvalidOperation):
        return None
    return (usd * MILLION / tokens).normalize() if tokens else None


def _usage_name(usage_type: str) -> str:
    """Return ``NovaMicro`` from ``USE1-NovaMicro-input-tokens-batch``; Marketplace's usage types name no model."""
    return "" if "-MP:" in usage_type else _TAIL.sub("", _REGION_PREFIX.sub("", usage_type))


def _model_id(usage_type: str) -> str:
    found = _MANTLE.match(usage_type)
    return found[1] if found else ""
