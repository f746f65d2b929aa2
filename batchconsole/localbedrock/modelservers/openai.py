"""A model server with OpenAI's chat completions and embeddings APIs: llama.cpp, vLLM, Ollama, SGLang and others.

An output schema is sent as ``response_format``. So is the schema of a strict tool that must be called: servers handle
``tool_choice`` differently, but all of them respect ``response_format``.
"""

import threading
import time
from typing import Any

import msgspec
import urllib3

from batchconsole.localbedrock.modelservers.base import ModelAway, ModelFailed, RecordRefused
from batchconsole.localbedrock.modelservers.strict_tools import as_call, as_output_schema, must_be_called
from batchconsole.localbedrock.settings import Settings
from batchconsole.records.families.base import Completion, Request, StopReason

OK, NOT_FOUND, FAILED = 200, 404, 500
CONNECT_SECONDS = 5
MODEL_CALLS_AT_ONCE = 40  # For calls of the runtime API, in addition to the records of jobs.
# With these statuses, the request is at fault; with any other, the server or its configuration.
REFUSALS = frozenset({400, 413, 415, 422, 501})
# llama.cpp returns 500 with this text for a type of input that its model does not support.
UNSUPPORTED = "is not supported"
STOP_REASONS: dict[str, StopReason] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "content_filtered",
}


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Message(msgspec.Struct):
    content: str | None = None
    tool_calls: list[dict[str, Any]] | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None
    logprobs: Any = None
    stop_reason: Any = None  # vLLM: the stop sequence that ended the answer.


class _Chat(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage | None = None
    id: str | None = None


class _Vector(msgspec.Struct):
    embedding: list[float]


class _Embeddings(msgspec.Struct):
    data: list[_Vector]
    usage: _Usage | None = None


class _ListedModel(msgspec.Struct):
    id: str


class _ModelList(msgspec.Struct):
    data: list[_ListedModel] = []


_chat = msgspec.json.Decoder(_Chat)
_embeddings = msgspec.json.Decoder(_Embeddings)
_models = msgspec.json.Decoder(_ModelList)


class OpenAIModel:
    """The server at the URL ``settings.model``, which may end in ``/v1``."""

    def __init__(self, settings: Settings) -> None:
        self._url = f"{settings.model.rstrip('/').removesuffix('/v1')}/v1/"
        self._headers = {"content-type": "application/json"}
        if settings.model_api_key:
            self._headers["authorization"] = f"Bearer {settings.model_api_key}"
        self._http = urllib3.PoolManager(
            maxsize=settings.concurrency + MODEL_CALLS_AT_ONCE,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=settings.model_timeout_seconds),
        )
        self._given_name = settings.model_name
        self._name = self._given_name
        self._lock = threading.Lock()

    def complete(self, request: Request, abandoned: threading.Event) -> Completion:
        """Return the server's answer. Raises :class:`RecordRefused` or :class:`ModelAway`."""
        started = time.monotonic()
        completion = self._embed(request) if request.embed is not None else self._answer(request)
        completion.latency_ms = int((time.monotonic() - started) * 1000)
        return completion

    def is_up(self) -> bool:
        """Whether the server answers a request for one token, even with a refusal."""
        try:
            self._chat(Request(messages=[{"role": "user", "content": "Hi"}], max_tokens=1))
        except ModelAway:
            return False
        except RecordRefused:
            return True
        return True

    def _answer(self, request: Request) -> Completion:
        tools = must_be_called(request)
        if not tools:
            return self._chat(request)
        return as_call(self._chat(as_output_schema(request, tools)), tools)

    def _chat(self, request: Request) -> Completion:
        answer = _read(_chat, self._post("chat/completions", _chat_body(request, self._model_name())))
        if not answer.choices:
            raise ModelFailed("The model server answered without a choice.")
        usage = answer.usage or _Usage()
        first, *others = map(_completion, answer.choices)
        first.input_tokens, first.output_tokens = usage.prompt_tokens, usage.completion_tokens
        first.id, first.others = answer.id or "", others
        return first

    def _embed(self, request: Request) -> Completion:
        body = {"model": self._model_name(), "input": request.embed, "encoding_format": "float"}
        answer = _read(_embeddings, self._post("embeddings", body))
        if not answer.data:
            raise ModelFailed("The model server answered without an embedding.")
        usage = answer.usage or _Usage()
        return Completion(embedding=answer.data[0].embedding, input_tokens=usage.prompt_tokens)

    def _model_name(self) -> str:
        with self._lock:
            if not self._name:
                listed = self._listed()
                if not listed:
                    raise ModelAway(
                        "The model server lists no model: it has to get one, or --model-name has to name one."
                    )
                self._name = listed[0]
            return self._name

    def _listed(self) -> list[str]:
        return [model.id for model in _read(_models, self._send("GET", "models", b"")).data]

    def _post(self, path: str, body: dict[str, Any]) -> bytes:
        try:
            return self._send("POST", path, msgspec.json.encode(body))
        except _NotFound as error:
            if body["model"] in self._listed():
                raise RecordRefused(400, f"The model server has no {path}: {error}") from error
            # The server may have restarted with another model; the next attempt asks for its name again.
            self._name = self._given_name
            raise

    def _send(self, method: str, path: str, body: bytes) -> bytes:
        try:
            response = self._http.request(method, self._url + path, body=body, headers=self._headers)
        except urllib3.exceptions.HTTPError as error:
            raise ModelAway(f"{type(error).__name__}: {error}") from error
        if response.status == OK:
            return response.data
        message = _message(response.data)
        if response.status in REFUSALS or (response.status == FAILED and UNSUPPORTED in message):
            raise RecordRefused(400, message)
        failure = {NOT_FOUND: _NotFound, FAILED: ModelFailed}.get(response.status, ModelAway)
        raise failure(f"The model server answered {response.status}: {message}")


class _NotFound(ModelAway):
    """The server does not know the model or the path."""


def _chat_body(request: Request, model_name: str) -> dict[str, Any]:
    fields = {
        "model": model_name,
        "messages": request.messages,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "stop": request.stop,
        "tools": [_without_nulls(tool) for tool in request.tools],
        "tool_choice": request.tool_choice,
        "response_format": request.response_format,
    }
    return request.extra | {name: value for name, value in fields.items() if value not in (None, [])}


def _completion(choice: _Choice) -> Completion:
    """Convert one choice, without token counts, which the server gives only for all choices together."""
    reason: StopReason = STOP_REASONS.get(choice.finish_reason or "stop", "end_turn")
    stop = choice.stop_reason if isinstance(choice.stop_reason, str) and reason == "end_turn" else None
    return Completion(
        text=choice.message.content or "",
        stop_reason="stop_sequence" if stop else reason,
        stop_sequence=stop,
        tool_calls=choice.message.tool_calls or [],
        logprobs=choice.logprobs,
    )


def _without_nulls(tool: dict[str, Any]) -> dict[str, Any]:
    """Return *tool* without null members (such as a description), which some servers refuse; keep its schema as is."""
    function = {name: value for name, value in tool.get("function", {}).items() if value is not None}
    return tool | {"function": function}


def _read(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelFailed(f"The model server's answer cannot be read: {error}") from error


def _message(answer: bytes) -> str:
    """Return the server's error message, from OpenAI's error object or else the text of the response."""
    try:
        body = msgspec.json.decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return answer.decode(errors="replace")[:1000]
    error = body.get("error", body) if isinstance(body, dict) else body
    return str(error.get("message", error) if isinstance(error, dict) else error)[:1000]
