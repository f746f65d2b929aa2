"""The token counts that a response body carries, whatever its family calls them."""

from typing import Any, TypeGuard

from batchconsole.records.families.base import Answer

Body = dict[str, Any]

# What each family calls the same count. Cached tokens are counted beside the input tokens by Anthropic, Converse and
# Nova; OpenAI counts them among the input tokens, where they cost the same, so they are not counted apart.
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
    """An answer with the counts only, which stand in ``usage`` or in the body itself."""
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
    """Titan Text counts the output of each of its results."""
    each = results if isinstance(results, list) else []
    counts: list[Any] = [result.get("tokenCount") for result in each if isinstance(result, dict)]
    known = [int(count) for count in counts if _is_count(count)]
    return sum(known) if known else None
