"""Estimates of an input's tokens and its maximum cost. Exact counts come with the results."""

from decimal import Decimal

from batchconsole.records.catalogue import Model
from batchconsole.records.prices import Price, cost
from batchconsole.records.report import CostEstimate
from batchconsole.records.scanning import Part

CHARACTERS_A_TOKEN = 4
TOKENS_A_MEDIUM = 1600  # an image of about a megapixel, according to Anthropic's and Amazon's guides
HOW = (
    f"Input: {TOKENS_A_MEDIUM:,} tokens per image or document; {CHARACTERS_A_TOKEN} characters per token. Output: the "
    "maximum that records set, or the model's own limit where they set none."
)


def input_tokens(part: Part) -> int:
    """Return the approximate number of tokens of all prompts, rounded up; a rule of thumb for European languages."""
    return -(-part.characters // CHARACTERS_A_TOKEN) + part.media * TOKENS_A_MEDIUM


def output_tokens_at_most(part: Part, model: Model | None) -> int | None:
    """Return the sum of the records' token limits, or the model's limit where unset; ``None`` if unknown."""
    if not part.unbounded:
        return part.max_tokens
    limit = model.max_output_tokens if model else None
    return None if limit is None else part.max_tokens + part.unbounded * limit


def estimate_cost(price: Price | None, *, tokens: int, output_at_most: int | None) -> CostEstimate | None:
    """Return the cost of *tokens* of input and at most *output_at_most* of output; ``None`` if the price is unknown."""
    if price is None:
        return None
    output: Decimal | None = None if output_at_most is None else cost(price, 0, output_at_most)
    return CostEstimate(
        input_usd=cost(price, tokens, 0),
        output_usd_at_most=output,
        price_as_of=price.as_of,
        price_source=price.source,
        how=HOW,
    )
