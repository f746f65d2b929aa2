"""The Converse family: one request and response shape for all models (API model of bedrock-runtime, Converse)."""

from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec

from batchconsole.records import catalogue
from batchconsole.records.catalogue import Refused
from batchconsole.records.families.anthropic_body import AnthropicBody
from batchconsole.records.families.base import Completion, Request
from batchconsole.records.families.claude_rules import Asked, claude_faults
from batchconsole.records.families.conversation import (
    conversation_media,
    conversation_size,
    neutral_messages,
    neutral_tools,
    plain_characters,
)
from batchconsole.records.families.conversation_rules import conversation_faults, documents, system_faults, tool_faults
from batchconsole.records.families.converse_body import ConverseBody, InferenceConfig, PlainConverseBody
from batchconsole.records.families.faults import Fault, rule
from batchconsole.records.families.model_facts import effort_faults
from batchconsole.records.families.nova_rules import reasoning_faults
from batchconsole.records.families.response_formats import chat_format, claude_format, converse_format
from batchconsole.records.families.schema import (
    Context,
    QuickLook,
    SchemaFamily,
    Size,
    max_tokens_faults,
    sampling_check,
    sampling_faults,
    token_limit,
)
from batchconsole.records.families.schema_rules import schema_faults
from batchconsole.records.families.server_parameters import server_parameters

# Includes ``tools``: Anthropic's predefined tools are passed in the additional fields.
CLAUDE_FIELDS = frozenset(AnthropicBody.__struct_encode_fields__)


def response_body(completion: Completion) -> dict[str, Any]:
    """Return the members that Converse and Nova responses share."""
    content: list[dict[str, Any]] = [{"text": completion.text}] if completion.text or not completion.tool_calls else []
    content += [{"toolUse": _tool_use(call)} for call in completion.tool_calls]
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": completion.stop_reason,
        "usage": {
            "inputTokens": completion.input_tokens,
            "outputTokens": completion.output_tokens,
            "totalTokens": completion.input_tokens + completion.output_tokens,
        },
    }


def _tool_use(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    return {"toolUseId": call["id"], "name": function["name"], "input": tool_arguments(function["arguments"])}


def tool_arguments(arguments: str) -> Any:
    """Parse the arguments of an OpenAI tool call; return ``{"arguments": text}`` if the model wrote invalid JSON."""
    try:
        return msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return {"arguments": arguments}


class Converse(SchemaFamily[ConverseBody]):
    name: ClassVar[str] = "converse"
    title: ClassVar[str] = "Converse"
    body: ClassVar[type[msgspec.Struct]] = ConverseBody
    plain: ClassVar[type[msgspec.Struct] | None] = PlainConverseBody

    def faults(self, body: ConverseBody, context: Context) -> Iterator[Fault]:
        yield from conversation_faults(body.messages, context)
        yield from system_faults(body.system)
        if body.inference_config is not None:
            yield from _config_faults(body.inference_config, context)
        yield from _tool_faults(body, context)
        yield from tool_faults(body.messages, body.tool_config, is_claude=context.family == "anthropic")
        yield from _format_faults(body, context)
        if context.family == "anthropic":
            yield from claude_faults(_asked_of_claude(body), context)
            yield from _claude_field_faults(body.additional_model_request_fields or {})
        elif context.family == "nova":
            yield from _nova_field_faults(body, context)

    def quick_look(self, context: Context) -> QuickLook:
        limit, sampling = token_limit(context), sampling_check(context)

        def look(body: PlainConverseBody) -> tuple[int, int | None] | None:
            characters = plain_characters(body.messages, body.system)
            if characters is None or body.messages[-1].role != "user":
                return None
            if body.additional_model_request_fields or body.output_config:
                return None
            config = body.inference_config
            if config is None:
                return characters, None
            tokens = config.max_tokens
            if (tokens is not None and tokens > limit) or not sampling(config.temperature, config.top_p, None):
                return None
            if config.stop_sequences and not all(map(str.strip, config.stop_sequences)):
                return None
            return characters, tokens

        return look

    def size(self, body: ConverseBody) -> Size:
        size = conversation_size(body.messages, body.system)
        size.max_tokens = body.inference_config.max_tokens if body.inference_config else None
        return size

    def media(self, body: ConverseBody) -> Iterator[tuple[str, str]]:
        return conversation_media(body.messages)

    def request(self, body: ConverseBody) -> Request:
        config = body.inference_config
        return Request(
            messages=neutral_messages(body.messages, body.system),
            max_tokens=config.max_tokens if config else None,
            temperature=config.temperature if config else None,
            top_p=config.top_p if config else None,
            stop=list((config.stop_sequences if config else None) or ()),
            response_format=converse_format(body.output_config),
            **neutral_tools(body.tool_config),
        )

    def read_request(self, body: dict[str, Any], *, model_id: str = "", batch: bool = True) -> Request:
        request = super().read_request(body, model_id=model_id, batch=batch)
        if fields := body.get("additionalModelRequestFields"):
            _add_fields(request, fields, catalogue.guess_family(model_id))
        return request

    def write_response(self, body: dict[str, Any], completion: Completion, *, model_id: str) -> dict[str, Any]:
        return response_body(completion) | {"metrics": {"latencyMs": completion.latency_ms}}

    def sample(self) -> dict[str, Any]:
        return {
            "messages": [{"role": "user", "content": [{"text": "Name the capital of France in one word."}]}],
            "system": [{"text": "You answer briefly."}],
            "inferenceConfig": {"maxTokens": 64, "temperature": 0.2},
        }


def _add_fields(request: Request, fields: dict[str, Any], family: str | None) -> None:
    """Copy the additional *fields*, which follow the body of the model's own *family*, into *request*."""
    if family == "nova":
        config = fields.get("inferenceConfig")
        request.top_k = _whole_number(config.get("topK") if isinstance(config, dict) else None)
        return
    request.top_k = _whole_number(fields.get("top_k"))
    if family == "anthropic":
        request.response_format = request.response_format or claude_format(
            fields.get("output_config"), fields.get("output_format")
        )
        return
    request.response_format = request.response_format or chat_format(fields.get("response_format"))
    request.extra = server_parameters(fields)


def _whole_number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _config_faults(config: InferenceConfig, context: Context) -> Iterator[Fault]:
    path = "$.inferenceConfig"
    yield from max_tokens_faults(context, f"{path}.maxTokens", config.max_tokens)
    if context.family != "anthropic":  # Claude's rules check them together with other settings
        yield from sampling_faults(
            context, temperature=(f"{path}.temperature", config.temperature), top_p=(f"{path}.topP", config.top_p)
        )


def _format_faults(body: ConverseBody, context: Context) -> Iterator[Fault]:
    """Yield the faults of the output format and the effort. Source: Converse API, OutputConfig."""
    config = body.output_config or {}
    if isinstance(config.get("effort"), str):
        yield from effort_faults(context.model, config["effort"], "$.outputConfig.effort")
    text_format = config.get("textFormat")
    if not isinstance(text_format, dict):
        return
    path, structure = "$.outputConfig.textFormat", text_format.get("structure")
    yield from context.refusal_faults(Refused.OUTPUT_SCHEMA, path)
    named = structure.get("jsonSchema") if isinstance(structure, dict) else None
    if text_format.get("type") != "json_schema":
        yield rule("output-format-type", f"{path}.type", found="another type", expected="json_schema")
    elif not isinstance(named, dict) or not isinstance(named.get("schema"), str):
        yield rule(
            "output-format-schema",
            f"{path}.structure.jsonSchema.schema",
            found="no text",
            expected="a JSON Schema as a JSON string",
        )
    else:
        yield from schema_faults(named["schema"], f"{path}.structure.jsonSchema.schema")


def _asked_of_claude(body: ConverseBody) -> Asked:
    """Return the settings that Claude's rules check. Most of them are additional fields."""
    fields, config = body.additional_model_request_fields or {}, body.inference_config or InferenceConfig()
    betas = fields.get("anthropic_beta")
    choice = body.tool_config.tool_choice if body.tool_config else None
    return Asked(
        at="$.additionalModelRequestFields",
        paths={
            "temperature": "$.inferenceConfig.temperature",
            "top_p": "$.inferenceConfig.topP",
            "stop_sequences": "$.inferenceConfig.stopSequences",
            "tool_choice": "$.toolConfig.toolChoice",
        },
        max_tokens=config.max_tokens,
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=fields.get("top_k"),
        stop_sequences=config.stop_sequences,
        thinking=fields.get("thinking"),
        betas=betas if isinstance(betas, list) else None,
        output_config=fields.get("output_config"),
        output_format=fields.get("output_format"),
        tool_choice="any" if choice and choice.any is not None else "tool" if choice and choice.tool else None,
        has_citations=any(document.citations and document.citations.enabled for document in documents(body.messages)),
    )


def _nova_top_k_faults(fields: dict[str, Any]) -> Iterator[Fault]:
    """Yield a fault for the additional field ``top_k``: Nova takes ``inferenceConfig.topK``. Source: Nova guide."""
    for name in ("top_k", "topK"):
        if name in fields:
            yield rule(
                "nova-top-k",
                f"$.additionalModelRequestFields.{name}",
                found=f"the field {name}",
                expected="inferenceConfig.topK",
                refusal=f"Malformed input request: #: extraneous key [{name}] is not permitted, please reformat your "
                "input and try again.",
            )


def _claude_field_faults(fields: dict[str, Any]) -> Iterator[Fault]:
    """Yield a fault for each additional field that Claude's own body lacks. Claude refuses them."""
    for name in fields.keys() - CLAUDE_FIELDS:
        yield rule(
            "unknown-additional-field",
            f"$.additionalModelRequestFields.{name}",
            found=f"the field {name}",
            expected="fields of Anthropic's Messages body, in its own spelling",
            refusal=f"The model returned the following errors: {name}: Extra inputs are not permitted",
        )


def _nova_field_faults(body: ConverseBody, context: Context) -> Iterator[Fault]:
    fields, config = body.additional_model_request_fields or {}, body.inference_config
    yield from _nova_top_k_faults(fields)
    chosen = {
        "maxTokens": config.max_tokens if config else None,
        "temperature": config.temperature if config else None,
        "topP": config.top_p if config else None,
    }
    yield from reasoning_faults(
        fields.get("reasoningConfig"), context, path="$.additionalModelRequestFields.reasoningConfig", chosen=chosen
    )


def _tool_faults(body: ConverseBody, context: Context) -> Iterator[Fault]:
    if body.tool_config is not None and context.batch:
        yield rule(
            "tools-in-batch",
            "$.toolConfig",
            found="toolConfig",
            expected="no tools: batch jobs take them only with InvokeModel",
            refusal="Tool use is not supported for Converse batch inference requests.",
        )
