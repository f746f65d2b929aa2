"""Read the token counts of a response body of any family."""

from typing import Any, TypeGuard

from batchconsole.records.families.base import Answer

Body = dict[str, Any]

# The families' names for each count. Anthropic, Converse and Nova count cached tokens separately from input tokens.
# OpenAI includes them in the input tokens at the same price, so they are not counted separately.
COUNTS = {
    "inputTokens": "input_tokens",
    "input_tokens": "input_tokens",
    "prompt_tokens": "input_tokens",
    "prompt_token_count": "input_tokens",
    "inputTextTokenCount": "input_tokens",
    "outputTokens": "output_tokens",
    "output_tokens": "output_tokens",
    "completion_tokens": "output_tokens",
    "generation_token_count": "output_tokens",
    "cacheReadInputTokens": "cache_read_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cacheReadInputTokenCount": "cache_read_tokens",
    "cacheWriteInputTokens": "cache_write_tokens",
    "cache_creation_input_tokens": "cache_write_tokens",
    "cacheWriteInputTokenCount": "cache_write_tokens",
}


def counted(body: Body) -> Answer:
    """Return an answer with only the counts, read from ``usage`` or, without it, from the body itself."""
    usage: Any = body.get("usage")
    answer = Answer()
    if usage.__class__ is dict and usage.get("tokens").__class__ is dict:
        usage = usage["tokens"]  # Cohere's
    for name, value in (usage if usage.__class__ is dict else body).items():
        count = COUNTS.get(name)
        if count is not None and _is_count(value):
            setattr(answer, count, value)
    if answer.output_tokens is None and "results" in body:
        answer.output_tokens = _results_tokens(body["results"])
    return answer


def _is_count(value: Any) -> TypeGuard[int]:
    return value.__class__ is int and 0 <= value < 2**53


def _results_tokens(results: Any) -> int | None:
    """Return the sum of the counts of Titan Text's results, or ``None`` if none has a count."""
    each = results if isinstance(results, list) else []
    counts: list[Any] = [result.get("tokenCount") for result in each if isinstance(result, dict)]
    known = [int(count) for count in counts if _is_count(count)]
    return sum(known) if known else None
