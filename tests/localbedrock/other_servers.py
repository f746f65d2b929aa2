"""Stand-ins for Ollama and vLLM with the peculiarities of each: ``python -m tests.localbedrock.other_servers vllm``.

Ollama (docs.ollama.com/api/openai-compatibility) serves all pulled models and has ``/api/pull`` but no health check.
vLLM (docs.vllm.ai, OpenAI-compatible server) serves one model, refuses requests longer than its context with status
400, and has no embeddings for a model that generates text. Both answer 404 for a model that they do not serve.
"""

import json
import os
import sys
import threading
import urllib.request
from typing import Any

from tests.localbedrock.model_server import CHAT, ModelServer, Reply, chat, serving

CONTEXT_TOKENS = 4096


def ollama(server: ModelServer, path: str, body: Any) -> Reply:
    if path == "/":
        return 200, b"Ollama is running"
    if path == "/api/pull":
        server.models.append(body["model"])
        return 200, {"status": "success"}
    if body["model"] not in server.models:
        error = {
            "message": f"model '{body['model']}' not found",
            "type": "not_found_error",
            "param": None,
            "code": None,
        }
        return 404, {"error": error}
    return chat("An answer of Ollama.")


def vllm(server: ModelServer, path: str, body: Any) -> Reply:
    if path in ("/health", "/ping"):
        return 200, b""
    if path != CHAT:
        return 404, {"detail": "Not Found"}
    if body["model"] not in server.models:
        return 404, _vllm_error(404, "NotFoundError", f"The model `{body['model']}` does not exist.")
    if (body.get("max_tokens") or 0) > CONTEXT_TOKENS:
        return 400, _vllm_error(400, "BadRequestError", f"'max_tokens' is too large: {body['max_tokens']}.")
    return chat("An answer of vLLM.")


def _vllm_error(code: int, kind: str, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def serve(reply: Any, models: list[str], port: int) -> None:
    with serving(port) as server:
        server.models = models
        server.reply = lambda path, body: reply(server, path, body)
        threading.Event().wait()


def main(program: str, command: str, model: str = "") -> None:
    port = int(os.environ["PORT"])
    if command == "pull":
        body = json.dumps({"model": model}).encode()
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/api/pull", body)).close()
    elif program == "ollama":
        serve(ollama, [], port)
    else:
        serve(vllm, [model], port)


if __name__ == "__main__":
    main(*sys.argv[1:])
