"""An OpenAI-compatible server that answers as a test tells it and keeps the requests it gets."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, Any]
CHAT, EMBEDDINGS, MODELS = "/v1/chat/completions", "/v1/embeddings", "/v1/models"


def chat(text: str = "ok", finish_reason: str = "stop", **members: Any) -> Reply:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish_reason}
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    return 200, {"id": "chatcmpl-7", "choices": [choice | members], "usage": usage}


class ModelServer:
    """``reply`` maps a path and body to a status and JSON (or bytes, sent unchanged).

    ``requests`` holds the requests received; ``models`` are the model ids it lists.
    """

    def __init__(self) -> None:
        self.reply: Callable[[str, Any], Reply] = lambda path, body: chat()
        self.requests: list[tuple[str, Any, dict[str, str]]] = []
        self.models = ["the-model"]
        self.url = ""

    def bodies(self, path: str = CHAT) -> list[dict[str, Any]]:
        return [body for asked, body, _ in self.requests if asked == path]

    def answer(self, path: str, content: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        if path == MODELS:
            return 200, json.dumps({"object": "list", "data": [{"id": name} for name in self.models]}).encode()
        body = json.loads(content or b"{}")
        self.requests.append((path, body, headers))
        status, answer = self.reply(path, body)
        return status, answer if isinstance(answer, bytes) else json.dumps(answer).encode()


@contextmanager
def serving(port: int = 0) -> Iterator[ModelServer]:
    """Serve on *port* of the loopback interface, or on a free port."""
    server = ModelServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, body = server.answer(self.path, content, headers)
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):  # the service has ended or given up waiting
                self.wfile.write(body)

        do_GET = do_POST = handle_any

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing: the tests inspect ``requests``."""

    http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
