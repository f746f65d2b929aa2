"""Writing request bodies: the same conversation in each family's own shape, for records made of other data.

The way back from ``families``' ``read_request``: neutral words in, a ``modelInput`` out. A setting is carried where the
shape has a place for it and refused by name elsewhere; turns of one role that follow each other become one where the
model wants them to alternate; what is written passes the family's own check.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from batchconsole.records.body_parts import (
    EMPTY_SCHEMA,
    Body,
    Untranslatable,
    chosen_function,
    described_schema,
    function_of,
    image_of,
    merge_turns,
    one_text,
    output_schema,
    parts_of,
    set_members,
    system_text,
    text_of,
    turns_of,
)
from batchconsole.records.families import FAMILIES
from batchconsole.records.families.base import Request
from batchconsole.records.families.converse import tool_arguments
from batchconsole.records.families.faults import Fault, from_validation_error
from batchconsole.records.families.schema import Context
from batchconsole.records.wording import message_of

ANTHROPIC_VERSION = "bedrock-2023-05-31"
ANTHROPIC_MAX_TOKENS = 4096  # Claude's requests must have a bound; this one every Claude on Bedrock takes
IDLE = ("auto", "none")  # choices of a tool that say nothing where there are no tools


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """One way to write a record's ``modelInput``.

    ``family`` names the family that reads it. ``takes_system`` and ``takes_sampling`` say whether there is a place for
    a system prompt, and for a bound on tokens and a temperature. ``carries`` names the settings of a request that have
    a place, those of its ``extra`` among them.
    """

    name: str
    title: str
    family: str
    write: Callable[[Request], Body]
    takes_system: bool = True
    takes_sampling: bool = True

    @property
    def carries(self) -> frozenset[str]:
        return _CARRIES[self.name]

    @property
    def invocation_type(self) -> str:
        """The ``modelInvocationType`` of a job with such records."""
        return "Converse" if self.family == "converse" else "InvokeModel"


def write(shape: str, request: Request) -> Body:
    """*request* as a body of the shape of that name, one of :data:`SHAPES`.

    Raises
    ------
    Untranslatable
        It has settings, tools, media or turns for which the shape has no place, or the body would be refused.
    """
    target = SHAPES[shape]
    for name, carried in _settings(request):
        if name not in target.carries & carried:
            raise Untranslatable(f"It sets {name}, for which {target.title} has no place.")
    if request.embed is not None and target.takes_system:
        raise Untranslatable(f"It asks for an embedding, which {target.title} does not give.")
    try:
        return checked(shape, target.write(request))
    except RecursionError as error:
        raise Untranslatable("It is nested too deeply.") from error


def _settings(request: Request) -> Iterator[tuple[str, frozenset[str]]]:
    """The names of what *request* sets beside its messages, each with those of its kind that any shape carries."""
    for name in sorted(_WORDS):
        value = getattr(request, name)
        if value is not None and value != [] and not (name == "tool_choice" and not request.tools and value in IDLE):
            yield name, _WORDS
    if any(message.get("tool_calls") or message["role"] == "tool" for message in request.messages):
        yield "tools", _WORDS
    yield from ((name, _EXTRAS) for name in request.extra)


def checked(shape: str, body: Body) -> Body:
    """*body*, which the family's own check finds nothing wrong with; raises :class:`Untranslatable` when it does."""
    family = FAMILIES[SHAPES[shape].family]
    try:
        parsed = family.parse(body)
    except msgspec.ValidationError as error:
        raise _refused(from_validation_error(error, body, family.body)) from error
    for fault in family.faults(parsed, Context()):  # type: ignore[arg-type]  # its own family parsed it
        if fault.severity == "error":
            raise _refused(fault)
    return body


def _refused(fault: Fault) -> Untranslatable:
    where = "" if fault.path == "$" else f" ({fault.path.removeprefix('$.')})"
    return Untranslatable(f"The record made of it would be refused: {message_of(fault)}{where}")


def _converse_blocks(turn: Body) -> tuple[str, list[Body]]:
    if turn["role"] == "tool":
        result = {"toolUseId": turn["tool_call_id"], "content": [{"text": text_of(turn)}]}
        return "user", [{"toolResult": result}]
    return turn["role"], [*map(_block, parts_of(turn)), *map(_converse_call, turn.get("tool_calls") or ())]


def _block(part: Body) -> Body:
    if part.get("type") == "text":
        return {"text": part["text"]}
    kind, data = image_of(part)
    return {"image": {"format": kind, "source": {"bytes": data}}}


def _converse_call(call: Body) -> Body:
    function = call["function"]
    return {
        "toolUse": {"toolUseId": call["id"], "name": function["name"], "input": tool_arguments(function["arguments"])}
    }


def _converse(request: Request) -> Body:
    config = set_members(
        maxTokens=request.max_tokens, temperature=request.temperature, topP=request.top_p, stopSequences=request.stop
    )
    system, schema = system_text(request), output_schema(request)
    return {
        "messages": merge_turns(map(_converse_blocks, turns_of(request))),
        **set_members(system=[{"text": system}] if system else None, inferenceConfig=config),
        **set_members(
            additionalModelRequestFields=set_members(top_k=request.top_k), requestMetadata=request.extra.get("metadata")
        ),
        **set_members(outputConfig=_text_format(schema) if schema else None),
    }


def _text_format(inner: Body) -> Body:
    schema = msgspec.json.encode(inner["schema"]).decode()
    named = {"schema": schema, **set_members(name=inner.get("name"), description=inner.get("description"))}
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": named}}}


def _nova(request: Request) -> Body:
    body = _converse(request)
    body.pop("additionalModelRequestFields", None)
    config = body.get("inferenceConfig", {}) | set_members(topK=request.top_k)
    return {
        "schemaVersion": "messages-v1",
        **body,
        **set_members(inferenceConfig=config, toolConfig=_nova_tools(request)),
    }


def _nova_tools(request: Request) -> Body:
    if not request.tools:
        return {}
    if request.tool_choice == "none":
        raise Untranslatable("It sets tool_choice to none, for which there is no place.")
    name = chosen_function(request.tool_choice)
    choice = {"tool": {"name": name}} if name else {"any" if request.tool_choice == "required" else "auto": {}}
    return {"tools": [_nova_tool(function_of(tool)) for tool in request.tools], "toolChoice": choice}


def _nova_tool(function: Body) -> Body:
    schema = {"json": function.get("parameters") or EMPTY_SCHEMA}
    described = set_members(description=function.get("description"), strict=function.get("strict"))
    return {"toolSpec": {"name": function["name"], "inputSchema": schema, **described}}


def _anthropic_blocks(turn: Body) -> tuple[str, list[Body]]:
    if turn["role"] == "tool":
        return "user", [{"type": "tool_result", "tool_use_id": turn["tool_call_id"], "content": text_of(turn)}]
    return turn["role"], [*map(_anthropic_block, parts_of(turn)), *map(_anthropic_call, turn.get("tool_calls") or ())]


def _anthropic_block(part: Body) -> Body:
    if part.get("type") == "text":
        return {"type": "text", "text": part["text"]}
    kind, data = image_of(part)
    return {"type": "image", "source": {"type": "base64", "media_type": f"image/{kind}", "data": data}}


def _anthropic_call(call: Body) -> Body:
    function = call["function"]
    arguments = tool_arguments(function["arguments"])
    return {"type": "tool_use", "id": call["id"], "name": function["name"], "input": arguments}


def _plain(turn: Body) -> Body:
    """A turn of one text as Anthropic's users write it: a text instead of a list of one block."""
    content = turn["content"]
    is_text = len(content) == 1 and content[0]["type"] == "text"
    return {"role": turn["role"], "content": content[0]["text"] if is_text else content}


def _anthropic(request: Request) -> Body:
    schema = output_schema(request)
    form = {"format": {"type": "json_schema", "schema": described_schema(schema)}} if schema else None
    return {
        "anthropic_version": ANTHROPIC_VERSION,
        "max_tokens": request.max_tokens or ANTHROPIC_MAX_TOKENS,
        **set_members(system=system_text(request) or None),
        "messages": [_plain(turn) for turn in merge_turns(map(_anthropic_blocks, turns_of(request)))],
        **set_members(
            temperature=request.temperature, top_p=request.top_p, top_k=request.top_k, stop_sequences=request.stop
        ),
        **set_members(tools=[_anthropic_tool(function_of(tool)) for tool in request.tools]),
        **set_members(tool_choice=_anthropic_choice(request.tool_choice) if request.tools else None),
        **set_members(output_config=form, metadata=set_members(user_id=request.extra.get("user"))),
    }


def _anthropic_tool(function: Body) -> Body:
    schema = function.get("parameters") or EMPTY_SCHEMA
    described = set_members(description=function.get("description"), strict=function.get("strict"))
    return {"name": function["name"], "input_schema": schema, **described}


def _anthropic_choice(choice: Any) -> Body | None:
    name = chosen_function(choice)
    if name:
        return {"type": "tool", "name": name}
    return {"type": "any" if choice == "required" else choice} if isinstance(choice, str) else None


def _openai_chat(request: Request) -> Body:
    sampling = set_members(max_tokens=request.max_tokens, temperature=request.temperature, top_p=request.top_p)
    tools = set_members(tools=request.tools, tool_choice=request.tool_choice if request.tools else None)
    return {
        "messages": request.messages,
        **sampling,
        **set_members(stop=request.stop, top_k=request.top_k),
        **tools,
        **request.extra,
    }


def _llama(begin: str, end: str, stop: str) -> Callable[[Request], Body]:
    """Llama's prompt: each turn under a header of its own, the last header open for the answer.

    https://www.llama.com/docs/model-cards-and-prompt-formats/
    """

    def prompt(request: Request) -> Body:
        turns = "".join(f"{begin}{message['role']}{end}\n\n{text_of(message)}{stop}" for message in request.messages)
        text = f"<|begin_of_text|>{turns}{begin}assistant{end}\n\n"
        return {
            "prompt": text,
            **set_members(max_gen_len=request.max_tokens, temperature=request.temperature, top_p=request.top_p),
        }

    return prompt


def _mistral(request: Request) -> Body:
    """Mistral's prompt: ``<s>[INST] question [/INST] answer</s>``, the system prompt before the first question."""
    system, text = system_text(request), ""
    for turn in merge_turns((turn["role"], parts_of(turn)) for turn in turns_of(request)):
        if turn["role"] == "user":
            text += f"[INST] {f'{system}{chr(10) * 2}' if system else ''}{text_of(turn)} [/INST]"
            system = ""
        else:
            text += f" {text_of(turn)}</s>"
    sampling = set_members(max_tokens=request.max_tokens, temperature=request.temperature, top_p=request.top_p)
    return {"prompt": f"<s>{text}", **sampling, **set_members(stop=request.stop, top_k=request.top_k)}


def _titan_text(request: Request) -> Body:
    config = set_members(
        maxTokenCount=request.max_tokens,
        temperature=request.temperature,
        topP=request.top_p,
        stopSequences=request.stop,
    )
    return {"inputText": one_text(request), **set_members(textGenerationConfig=config)}


def _titan_embedding(request: Request) -> Body:
    return {"inputText": one_text(request), **set_members(dimensions=request.dimensions)}


def _titan_multimodal(request: Request) -> Body:
    config = set_members(outputEmbeddingLength=request.dimensions)
    return {"inputText": one_text(request), **set_members(embeddingConfig=config)}


_LLAMA_3 = _llama("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
_LLAMA_4 = _llama("<|header_start|>", "<|header_end|>", "<|eot|>")

# What a request has a word for, and what is carried of its ``extra``.
_WORDS = frozenset({"max_tokens", "temperature", "top_p", "top_k", "stop", "tools", "tool_choice", "dimensions"})
_SERVED = frozenset({"seed", "presence_penalty", "frequency_penalty", "reasoning_effort"})
_EXTRAS = frozenset({"response_format", "metadata", "user"}) | _SERVED
_SAMPLING = frozenset({"max_tokens", "temperature", "top_p"})
_CARRIES: dict[str, frozenset[str]] = {
    "converse": _SAMPLING | {"top_k", "stop", "response_format", "metadata"},
    "anthropic": _SAMPLING | {"top_k", "stop", "tools", "tool_choice", "response_format", "user"},
    "nova": _SAMPLING | {"top_k", "stop", "tools", "tool_choice"},
    "openai_chat": _SAMPLING | {"top_k", "stop", "tools", "tool_choice", "response_format"} | _SERVED,
    "llama": _SAMPLING,
    "llama4": _SAMPLING,
    "mistral": _SAMPLING | {"top_k", "stop"},
    "titan_text": _SAMPLING | {"stop"},
    "titan_embeddings": frozenset({"dimensions"}),
    "titan_multimodal_embeddings": frozenset({"dimensions"}),
}

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
            write=_titan_multimodal,
            takes_system=False,
            takes_sampling=False,
        ),
    )
}
