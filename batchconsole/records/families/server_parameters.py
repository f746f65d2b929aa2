"""Additional parameters of open-weight models, which model servers take under the same names."""

from typing import Any

# Parameters of OpenAI's chat completions, and those that vLLM, SGLang and llama.cpp add.
SERVER_PARAMETERS = frozenset({
    "frequency_penalty", "logit_bias", "logprobs", "min_p", "min_tokens", "n", "parallel_tool_calls",
    "presence_penalty", "reasoning_effort", "repetition_penalty", "seed", "top_logprobs", "chat_template_kwargs",
})  # fmt: skip


def server_parameters(body: dict[str, Any]) -> dict[str, Any]:
    """Return the server parameters that are set in *body*."""
    return {name: value for name, value in body.items() if name in SERVER_PARAMETERS and value is not None}
