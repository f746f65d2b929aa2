"""Recognise the intended format of a body or line by its fields, so that messages can name it."""

from typing import Any

SIGNATURES = (
    ("anthropic", {"anthropic_version"}),
    ("nova", {"schemaVersion"}),
    ("converse", {"additionalModelRequestFields", "guardrailConfig", "requestMetadata", "performanceConfig"}),
    ("llama", {"max_gen_len"}),
    ("titan_text", {"textGenerationConfig"}),
    ("titan_multimodal_embeddings", {"inputImage", "embeddingConfig"}),
    ("titan_embeddings", {"dimensions", "normalize", "embeddingTypes"}),
    ("openai_chat", {"max_completion_tokens", "response_format", "frequency_penalty", "presence_penalty"}),
)
_REQUESTS = {"body": "OpenAI batch request", "params": "Anthropic batch request"}
_BY_PROMPT = ("mistral", "llama")
_BY_INPUT_TEXT = ("titan_embeddings", "titan_text", "titan_multimodal_embeddings")
_BY_TYPED_BLOCKS = ("anthropic", "openai_chat", "mistral")
_BY_CONVERSE_BLOCKS = ("converse", "nova")


def recognise(body: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the families that *body* may belong to, the likeliest first; empty if none is recognised."""
    keys = body.keys()
    for family, marks in SIGNATURES:
        if marks & keys:
            return (family,)
    if "prompt" in keys:
        return _BY_PROMPT[:1] if {"max_tokens", "stop", "top_k"} & keys else _BY_PROMPT
    if "inputText" in keys:
        return _BY_INPUT_TEXT
    if "inferenceConfig" in keys or "toolConfig" in keys:
        return _BY_CONVERSE_BLOCKS
    return _by_messages(body)


def _by_messages(body: dict[str, Any]) -> tuple[str, ...]:
    messages = body.get("messages")
    first = messages[0] if isinstance(messages, list) and messages else None
    if not isinstance(first, dict):
        return ()
    if any(isinstance(message, dict) and message.get("role") in {"system", "developer"} for message in messages or ()):
        return ("openai_chat", "mistral")
    content = first.get("content")
    if isinstance(content, str):
        return ("anthropic",) if "system" in body else ("openai_chat", "anthropic", "mistral")
    block = content[0] if isinstance(content, list) and content else None
    if not isinstance(block, dict):
        return ()
    return _BY_TYPED_BLOCKS if "type" in block else _BY_CONVERSE_BLOCKS


def recognise_line(line: dict[str, Any]) -> str:
    """Return the kind of a line in a batch file of any provider; empty if it is not recognised."""
    if "modelInput" in line:
        is_answered = line.get("modelOutput") is not None or line.get("error") is not None
        return "Amazon Bedrock answer" if is_answered else "Amazon Bedrock record"
    if isinstance(line.get("request"), dict) and {"contents", "content", "messages"} & line["request"].keys():
        return "Gemini batch answer" if "response" in line else "Gemini batch request"
    if "custom_id" not in line:
        return ""
    if "response" in line:
        return "OpenAI batch answer"
    if isinstance(line.get("result"), dict):
        return "Anthropic batch answer"
    return next((title for member, title in _REQUESTS.items() if isinstance(line.get(member), dict)), "")


def loose_text(body: dict[str, Any]) -> str:
    """Return the question in a body of any family, however malformed; empty if there is none."""
    for name in ("prompt", "inputText"):
        if isinstance(body.get(name), str):
            return str(body[name])
    messages = body.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    return _content_text(last.get("content")) if isinstance(last, dict) else ""


def _content_text(content: Any) -> str:
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "\n".join(
        block["text"] for block in blocks if isinstance(block, dict) and isinstance(block.get("text"), str)
    )
