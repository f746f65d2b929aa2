"""What a job used, by the best counts there are, and what that cost. What is not known is ``None``, never zero."""

from decimal import Decimal

import msgspec

from batchconsole.records.prices import Price, cost
from batchconsole.records.results import Manifest, Totals


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of a job. ``complete`` is false when some records carry no counts and the manifest has none either, so
    that the job used more.
    """

    input_tokens: int | None
    output_tokens: int | None
    complete: bool = True


def usage(totals: Totals | None, manifest: Manifest | None) -> Usage:
    """Tokens by the manifest, which counts what is charged; else by the records themselves."""
    if manifest is not None and manifest.input_token_count is not None:
        return Usage(input_tokens=manifest.input_token_count, output_tokens=manifest.output_token_count or 0)
    if totals is None or (totals.succeeded and totals.without_tokens == totals.succeeded):
        return Usage(input_tokens=None, output_tokens=None, complete=False)
    complete = not totals.without_tokens
    return Usage(input_tokens=totals.input_tokens, output_tokens=totals.output_tokens, complete=complete)


def cost_usd(used: Usage, price: Price | None) -> Decimal | None:
    """USD for *used*, exact; ``None`` when tokens or price are not known."""
    if price is None or used.input_tokens is None or used.output_tokens is None:
        return None
    return cost(price, used.input_tokens, used.output_tokens)
