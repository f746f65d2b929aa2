"""Writing request bodies: the same conversation in the format of each family, for records made from other data.

This is the reverse of ``read_request`` in ``families``: a neutral request becomes a ``modelInput``. A setting is
written if the format has a place for it, and refused by name otherwise. Consecutive turns of one role are merged for
models that require alternating roles. Every body passes the family's own check.
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
ANTHROPIC_MAX_TOKENS = 4096  # Claude's requests need a limit; every Claude model on Bedrock accepts this one
IDLE = ("auto", "none")  # tool choices without effect if there are no tools


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """One format for a record's ``modelInput``.

    ``family`` is the name of the family that reads it. ``takes_system`` and ``takes_sampling`` say whether it has a
    place for a system prompt, and for a token limit and a temperature. ``carries`` holds the names of the request
    settings that have a place in it, including those in ``extra``.
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
    """Return *request* as a body in the format named *shape*, one of :data:`SHAPES`.

    Raises
    ------
    Untranslatable
        The format has no place for one of its settings, tools, media or turns, or Bedrock would refuse the body.
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
    """Yield the names of the settings of *request*, each with the names of its kind that any format can carry."""
    for name in sorted(_WORDS):
        value = getattr(request, name)
        if value is not None and value != [] and not (name == "tool_choice" and not request.tools and value in IDLE):
            yield name, _WORDS
    if any(message.get("tool_calls") or message["role"] == "tool" for message in request.messages):
        yield "tools", _WORDS
    yield from ((name, _EXTRAS) for name in request.extra)


def checked(shape: str, body: Body) -> Body:
    """Return *body* if it passes the family's own check. Raises :class:`Untranslatable` if it does not."""
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
    error = Untranslatable(f"The record made of it would be refused: {message_of(fault)}{where}")
    error.path = fault.path
    return error


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
    """Return a turn as Anthropic's users write it: with a string as content if it consists of one text."""
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
    """Return a writer of Llama's prompt: each turn after its own header, and an open header for the answer.

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
    """Write Mistral's prompt, ``<s>[INST] question [/INST] answer</s>``; the system prompt begins the first one."""
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

# The settings with a field of their own in a request, and the members of its ``extra`` that a format can carry.
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
