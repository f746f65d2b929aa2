"""A job list of any size and shape over HTTP: what the local Bedrock, which runs its jobs, cannot be made to show."""

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

ACCOUNT_ARN = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/"

ERRORS = {403: "AccessDeniedException", 404: "ResourceNotFoundException"}


class BedrockDouble:
    """Answers ListModelInvocationJobs, newest first and in pages, and GetModelInvocationJob; counts the calls.

    Asked for tags, it tells those of ``tags``, refuses those of ``untold``, and knows no other job.
    """

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []
        self.calls = 0
        self.tags: dict[str, list[dict[str, str]]] = {}
        self.untold: set[str] = set()
        self.asked_for_tags: list[str] = []
        self._numbers = count(500_000)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(
        self,
        *,
        status: str,
        number: int | None = None,
        age: timedelta = timedelta(),
        model_id: str = "amazon.nova-micro-v1:0",
        **more: Any,
    ) -> None:
        """A job that was submitted *age* ago."""
        number = next(self._numbers) if number is None else number
        submitted = datetime.now(UTC) - age
        job = {
            "jobArn": f"{ACCOUNT_ARN}{number:012}",
            "jobName": f"job-{number}",
            "modelId": model_id,
            "roleArn": "arn:aws:iam::123456789012:role/service-role/r",
            "status": status,
            "submitTime": submitted.isoformat(),
            "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://bucket/in/"}},
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket/out/"}},
            "modelInvocationType": "Converse",
            "clientRequestToken": f"token-{number}",
        }
        if status in {"Completed", "Failed", "Stopped"}:
            job["endTime"] = submitted.isoformat()
        self.jobs.append(job | more)

    def _list(self, query: dict[str, list[str]]) -> dict[str, Any]:
        after = datetime.fromisoformat(query.get("submitTimeAfter", ["0001-01-01T00:00:00Z"])[0])
        start, size = int(query.get("nextToken", ["0"])[0]), int(query["maxResults"][0])
        found = [job for job in self.jobs if datetime.fromisoformat(job["submitTime"]) > after]
        found.sort(key=lambda job: str(job["submitTime"]), reverse=True)
        more = {"nextToken": str(start + size)} if start + size < len(found) else {}
        return {"invocationJobSummaries": found[start : start + size], **more}

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        self.calls += 1
        name = unquote(path.rpartition("/model-invocation-job/")[2]) if "/model-invocation-job/" in path else ""
        if not name:
            return 200, self._list(query)
        return next(((200, job) for job in self.jobs if job["jobArn"] == name), (404, {"message": "Unknown job."}))

    def tell_tags(self, arn: str) -> tuple[int, dict[str, Any]]:
        self.asked_for_tags.append(arn)
        if arn in self.untold:
            return 403, {"message": "You are not authorized to perform: bedrock:ListTagsForResource."}
        return (200, {"tags": self.tags[arn]}) if arn in self.tags else (404, {"message": "Unknown job."})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                self._send(*double.answer(url.path, parse_qs(url.query)))

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._send(*double.tell_tags(asked["resourceARN"]))

            def _send(self, status: int, body: dict[str, Any]) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                if status in ERRORS:
                    self.send_header("x-amzn-errortype", ERRORS[status])
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
