"""Writing request bodies: the same conversation in each family's own shape, for records made of other data.

The way back from ``families``' ``read_request``: neutral words in, a ``modelInput`` out. Only what all models know is
carried: text, images given as data, and the sampling settings. Tools are not, as they mean something else in each.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from batchconsole.records.families.base import Request

ANTHROPIC_VERSION = "bedrock-2023-05-31"
ANTHROPIC_MAX_TOKENS = 4096  # Claude's requests must have a bound; this one every Claude on Bedrock takes
_DATA_URL = re.compile(r"data:image/([a-z]+);base64,(.+)", re.DOTALL)

Body = dict[str, Any]


class Untranslatable(ValueError):
    """The shape has no place for a part of the request; ``str(error)`` says which."""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """One way to write a record's ``modelInput``.

    ``family`` names the family that reads it. ``takes_system`` and ``takes_sampling`` say whether there is a place for
    a system prompt, and for a bound on tokens and a temperature.
    """

    name: str
    title: str
    family: str
    write: Callable[[Request], Body]
    takes_system: bool = True
    takes_sampling: bool = True

    @property
    def invocation_type(self) -> str:
        """The ``modelInvocationType`` of a job with such records."""
        return "Converse" if self.family == "converse" else "InvokeModel"


def write(shape: str, request: Request) -> Body:
    """*request* as a body of the shape of that name, one of :data:`SHAPES`.

    Raises
    ------
    Untranslatable
        It has tools, media or turns for which the shape has no place.
    """
    if request.tools or any(message.get("tool_calls") or message["role"] == "tool" for message in request.messages):
        raise Untranslatable("It uses tools, which are not carried over. Write such records by hand.")
    return SHAPES[shape].write(request)


def _set(**values: Any) -> Body:
    """Those that are set."""
    return {name: value for name, value in values.items() if value not in (None, [], {})}


def _system(request: Request) -> str:
    return "\n".join(_text(message) for message in request.messages if message["role"] == "system")


def _turns(request: Request) -> Iterator[Body]:
    return (message for message in request.messages if message["role"] != "system")


def _parts(message: Body) -> list[Body]:
    content = message.get("content") or ""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _text(message: Body) -> str:
    """The message's text; raises :class:`Untranslatable` when it has anything else."""
    parts = _parts(message)
    if any(part.get("type") != "text" for part in parts):
        raise Untranslatable("It has images or files, for which this format has no place.")
    return "\n".join(part["text"] for part in parts)


def _image(part: Body) -> tuple[str, str]:
    """Format and base64 data of an image part given as a data URL."""
    url = (part.get("image_url") or {}).get("url", "") if part.get("type") == "image_url" else ""
    found = _DATA_URL.fullmatch(url)
    if not found:
        raise Untranslatable("It has media that are not images given as data. Bedrock does not fetch from the web.")
    return found[1].replace("jpg", "jpeg"), found[2]


def _block(part: Body) -> Body:
    if part.get("type") == "text":
        return {"text": part["text"]}
    kind, data = _image(part)
    return {"image": {"format": kind, "source": {"bytes": data}}}


def _converse(request: Request) -> Body:
    config = _set(
        maxTokens=request.max_tokens, temperature=request.temperature, topP=request.top_p, stopSequences=request.stop
    )
    system = _system(request)
    return {
        "messages": [
            {"role": turn["role"], "content": [_block(part) for part in _parts(turn)]} for turn in _turns(request)
        ],
        **_set(system=[{"text": system}] if system else None, inferenceConfig=config),
        **_set(additionalModelRequestFields=_set(top_k=request.top_k)),
    }


def _nova(request: Request) -> Body:
    body = _converse(request)
    body.pop("additionalModelRequestFields", None)
    config = body.get("inferenceConfig", {}) | _set(topK=request.top_k)
    return {"schemaVersion": "messages-v1", **body, **_set(inferenceConfig=config)}


def _anthropic_block(part: Body) -> Body:
    if part.get("type") == "text":
        return {"type": "text", "text": part["text"]}
    kind, data = _image(part)
    return {"type": "image", "source": {"type": "base64", "media_type": f"image/{kind}", "data": data}}


def _anthropic_content(turn: Body) -> str | list[Body]:
    content = turn.get("content") or ""
    return content if isinstance(content, str) else [_anthropic_block(part) for part in content]


def _anthropic(request: Request) -> Body:
    return {
        "anthropic_version": ANTHROPIC_VERSION,
        "max_tokens": request.max_tokens or ANTHROPIC_MAX_TOKENS,
        **_set(system=_system(request) or None),
        "messages": [{"role": turn["role"], "content": _anthropic_content(turn)} for turn in _turns(request)],
        **_set(temperature=request.temperature, top_p=request.top_p, top_k=request.top_k, stop_sequences=request.stop),
    }


def _openai_chat(request: Request) -> Body:
    sampling = _set(max_tokens=request.max_tokens, temperature=request.temperature, top_p=request.top_p)
    return {"messages": request.messages, **sampling, **_set(stop=request.stop)}


def _llama(begin: str, end: str, stop: str) -> Callable[[Request], Body]:
    """Llama's prompt: each turn under a header of its own, the last header open for the answer.

    https://www.llama.com/docs/model-cards-and-prompt-formats/
    """

    def prompt(request: Request) -> Body:
        turns = "".join(f"{begin}{message['role']}{end}\n\n{_text(message)}{stop}" for message in request.messages)
        text = f"<|begin_of_text|>{turns}{begin}assistant{end}\n\n"
        return {
            "prompt": text,
            **_set(max_gen_len=request.max_tokens, temperature=request.temperature, top_p=request.top_p),
        }

    return prompt


def _mistral(request: Request) -> Body:
    """Mistral's prompt: ``<s>[INST] question [/INST] answer</s>``, the system prompt before the first question."""
    system, text = _system(request), ""
    for turn in _turns(request):
        if turn["role"] == "user":
            text += f"[INST] {f'{system}{chr(10) * 2}' if system else ''}{_text(turn)} [/INST]"
            system = ""
        else:
            text += f" {_text(turn)}</s>"
    sampling = _set(max_tokens=request.max_tokens, temperature=request.temperature, top_p=request.top_p)
    return {"prompt": f"<s>{text}", **sampling, **_set(stop=request.stop)}


def _one_text(request: Request) -> str:
    """The only turn's text, after the system prompt; raises :class:`Untranslatable` for a conversation."""
    turns = list(_turns(request))
    if len(turns) != 1:
        raise Untranslatable("It is a conversation of several turns, and this format takes one text.")
    return "\n\n".join(filter(None, [_system(request), _text(turns[0])]))


def _titan_text(request: Request) -> Body:
    config = _set(
        maxTokenCount=request.max_tokens,
        temperature=request.temperature,
        topP=request.top_p,
        stopSequences=request.stop,
    )
    return {"inputText": _one_text(request), **_set(textGenerationConfig=config)}


def _titan_embedding(request: Request) -> Body:
    return {"inputText": _one_text(request)}


_LLAMA_3 = _llama("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
_LLAMA_4 = _llama("<|header_start|>", "<|header_end|>", "<|eot|>")

SHAPES: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape(name="converse", title="Converse (any model)", family="converse", write=_converse),
        Shape(name="anthropic", title="Anthropic Messages", family="anthropic", write=_anthropic),
        Shape(name="nova", title="Amazon Nova", family="nova", write=_nova),
        Shape(name="openai_chat", title="OpenAI chat completions", family="openai_chat", write=_openai_chat),
        Shape(name="llama", title="Meta Llama 3", family="llama", write=_LLAMA_3),
        Shape(name="llama4", title="Meta Llama 4", family="llama", write=_LLAMA_4),
        Shape(name="mistral", title="Mistral prompt", family="mistral", write=_mistral),
        Shape(name="titan_text", title="Amazon Titan Text", family="titan_text", write=_titan_text),
        Shape(
            name="titan_embeddings",
            title="Amazon Titan Text Embeddings",
            family="titan_embeddings",
            write=_titan_embedding,
            takes_system=False,
            takes_sampling=False,
        ),
        Shape(
            name="titan_multimodal_embeddings",
            title="Amazon Titan Multimodal Embeddings",
            family="titan_multimodal_embeddings",
            write=_titan_embedding,
            takes_system=False,
            takes_sampling=False,
        ),
    )
}
