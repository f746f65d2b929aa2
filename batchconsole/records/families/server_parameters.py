"""Parameters of open-weight models beside those every model has; model servers know them by the same names."""

from typing import Any

# OpenAI's chat completions, and what vLLM, SGLang and llama.cpp add to them.
SERVER_PARAMETERS = frozenset({
    "frequency_penalty", "logit_bias", "logprobs", "min_p", "min_tokens", "n", "parallel_tool_calls",
    "presence_penalty", "reasoning_effort", "repetition_penalty", "seed", "top_logprobs", "chat_template_kwargs",
})  # fmt: skip


def server_parameters(body: dict[str, Any]) -> dict[str, Any]:
    """Those of *body* that are set."""
    return {name: value for name, value in body.items() if name in SERVER_PARAMETERS and value is not None}
