"""The tokens that a job used, by the best counts available, and their cost. Unknown values are ``None``, not 0."""

from decimal import Decimal

import msgspec

from batchconsole.records.prices import Price, cost
from batchconsole.records.results import Manifest, Totals


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens of a job, with cached ones separate.

    ``complete`` is false if some records have no counts and the manifest has none either, so the job used more.
    """

    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    complete: bool = True


def usage(totals: Totals | None, manifest: Manifest | None) -> Usage:
    """Return the tokens according to the manifest, which counts what is charged, or else the records.

    Only the records have counts of cached tokens.
    """
    found = _counted(totals, manifest)
    if totals is None or found.input_tokens is None:
        return found
    return msgspec.structs.replace(
        found, cache_read_tokens=totals.cache_read_tokens, cache_write_tokens=totals.cache_write_tokens
    )


def _counted(totals: Totals | None, manifest: Manifest | None) -> Usage:
    if manifest is not None and manifest.input_token_count is not None:
        output = manifest.output_token_count or 0
        return Usage(input_tokens=manifest.input_token_count, output_tokens=output)
    if totals is None or (totals.succeeded and totals.without_tokens == totals.succeeded):
        return Usage(input_tokens=None, output_tokens=None, complete=False)
    complete = not totals.without_tokens
    return Usage(input_tokens=totals.input_tokens, output_tokens=totals.output_tokens, complete=complete)


def cost_usd(used: Usage, price: Price | None) -> Decimal | None:
    """Return the exact cost of *used* in USD, or ``None`` if the tokens or the price are not known."""
    if price is None or used.input_tokens is None or used.output_tokens is None:
        return None
    return cost(
        price,
        used.input_tokens,
        used.output_tokens,
        cache_read_tokens=used.cache_read_tokens,
        cache_write_tokens=used.cache_write_tokens,
    )
