"""A Service Quotas API with the names AWS uses: the local stack has no quotas to list."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

QUOTAS = {
    "On-demand model inference tokens per minute for Amazon Nova Lite": 200_000,
    "Sum of in-progress and submitted batch inference jobs using a base model for Nova Lite V1": 40,
    "Sum of in-progress and submitted batch inference jobs using a custom model for Nova Lite V1": 3,
    "Minimum number of records per batch inference job for Nova Lite V1": 100,
    "Records per batch inference job for Nova Lite V1": 100_000,
    "Records per input file per batch inference job for Nova Lite V1": 60_000,
    "Batch inference input file size (in GB) for Nova Lite V1": 1,
    "Batch inference job size (in GB) for Nova Lite V1": 100,
    "Batch inference job size for Qwen3 235B (in GB)": 5,
    "Records per batch inference job for Unheard Of 1": 7,
}


class Handler(BaseHTTPRequestHandler):
    """Answers ListServiceQuotas three quotas a page, or refuses everything."""

    denies = False

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.denies:
            return self.answer(400, {"__type": "AccessDeniedException", "Message": "You may not read quotas."})
        start = int(request.get("NextToken", 0))
        page = [{"QuotaName": name, "Value": float(value)} for name, value in list(QUOTAS.items())[start : start + 3]]
        more = {"NextToken": str(start + 3)} if start + 3 < len(QUOTAS) else {}
        return self.answer(200, {"Quotas": page, **more})

    def answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def service_quotas(*, denies: bool = False) -> Iterator[str]:
    """The URL of the API for the length of the block."""
    handler = type("Handler", (Handler,), {"denies": denies})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
