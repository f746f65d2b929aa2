"""A model server that speaks OpenAI's chat completions and embeddings: llama.cpp, vLLM, Ollama, SGLang and others."""

import math
import threading
import time
from typing import Any

import httpx
import msgspec

from batchconsole.localbedrock.modelservers.base import ModelAway, ModelFailed, RecordRefused
from batchconsole.localbedrock.settings import Settings
from batchconsole.records.families.base import Completion, Request, StopReason

# The request itself is at fault; every other status is the server's or its configuration's.
REFUSALS = frozenset({400, 413, 415, 422})
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
    stop_reason: Any = None  # vLLM: the stop sequence that was met.


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
    """The server at ``settings.model``, with or without ``/v1`` at its end."""

    def __init__(self, settings: Settings) -> None:
        headers = {"content-type": "application/json"}
        if settings.model_api_key:
            headers["authorization"] = f"Bearer {settings.model_api_key}"
        connections = settings.concurrency + 40  # The runtime calls come from threads of their own.
        self._client = httpx.Client(
            base_url=f"{settings.model.rstrip('/').removesuffix('/v1')}/v1/",
            headers=headers,
            trust_env=False,
            timeout=httpx.Timeout(settings.model_timeout_seconds, connect=5),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        )
        self._name = settings.model_name
        self._lock = threading.Lock()

    def complete(self, request: Request) -> Completion:
        """The server's answer. Raises :class:`RecordRefused` or :class:`ModelAway`."""
        started = time.monotonic()
        completion = self._embed(request) if request.embed is not None else self._chat(request)
        completion.latency_ms = int((time.monotonic() - started) * 1000)
        return completion

    def is_up(self) -> bool:
        """Whether the server answers at all and its model gives an answer of one token."""
        try:
            self._chat(Request(messages=[{"role": "user", "content": "Hi"}], max_tokens=1))
        except ModelAway:
            return False
        except RecordRefused:
            return True
        return True

    def _chat(self, request: Request) -> Completion:
        answer = _read(_chat, self._post("chat/completions", _chat_body(request, self._model_name())))
        if not answer.choices:
            raise ModelFailed("The model server answered without a choice.")
        choice, usage = answer.choices[0], answer.usage or _Usage()
        reason: StopReason = STOP_REASONS.get(choice.finish_reason or "stop", "end_turn")
        stop = choice.stop_reason if isinstance(choice.stop_reason, str) and reason == "end_turn" else None
        return Completion(
            text=choice.message.content or "",
            stop_reason="stop_sequence" if stop else reason,
            stop_sequence=stop,
            tool_calls=choice.message.tool_calls or [],
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            id=answer.id or "",
        )

    def _embed(self, request: Request) -> Completion:
        body = {"model": self._model_name(), "input": request.embed, "encoding_format": "float"}
        answer = _read(_embeddings, self._post("embeddings", body))
        if not answer.data:
            raise ModelFailed("The model server answered without an embedding.")
        usage = answer.usage or _Usage()
        return Completion(embedding=_fitted(answer.data[0].embedding, request), input_tokens=usage.prompt_tokens)

    def _model_name(self) -> str:
        with self._lock:
            if not self._name:
                listed = _read(_models, self._send("GET", "models", b"")).data
                self._name = listed[0].id if listed else "default"
            return self._name

    def _post(self, path: str, body: dict[str, Any]) -> bytes:
        return self._send("POST", path, msgspec.json.encode(body))

    def _send(self, method: str, path: str, body: bytes) -> bytes:
        try:
            response = self._client.request(method, path, content=body)
        except httpx.HTTPError as error:
            raise ModelAway(f"{type(error).__name__}: {error}") from error
        if response.is_success:
            return response.content
        message = _message(response)
        if response.status_code in REFUSALS:
            raise RecordRefused(400, message)
        failure = ModelFailed if response.status_code == 500 else ModelAway
        raise failure(f"The model server answered {response.status_code}: {message}")


def _chat_body(request: Request, model_name: str) -> dict[str, Any]:
    fields = {
        "model": model_name,
        "messages": request.messages,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "stop": request.stop,
        "tools": request.tools,
        "tool_choice": request.tool_choice,
    }
    return request.extra | {name: value for name, value in fields.items() if value not in (None, [])}


def _read(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelFailed(f"The model server's answer cannot be read: {error}") from error


def _message(response: httpx.Response) -> str:
    """What the server says is wrong, from OpenAI's error object or the text as it is."""
    try:
        body = response.json()
    except ValueError:
        return response.text[:1000]
    error = body.get("error", body) if isinstance(body, dict) else body
    return str(error.get("message", error) if isinstance(error, dict) else error)[:1000]


def _fitted(vector: list[float], request: Request) -> list[float]:
    """*vector* in the number of dimensions asked for (cut, or filled with zeros) and of length 1 when wanted."""
    wanted = request.dimensions or len(vector)
    vector = (vector + [0.0] * wanted)[:wanted]
    length = math.sqrt(sum(value * value for value in vector))
    return [value / length for value in vector] if request.normalize and length else vector
