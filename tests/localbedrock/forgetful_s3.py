"""An in-memory S3 that loses what a test tells it to lose after it has confirmed it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ERROR = "<Error><Code>{code}</Code><Message>{code}</Message></Error>"
STARTED = "<InitiateMultipartUploadResult><UploadId>{upload_id}</UploadId></InitiateMultipartUploadResult>"
COMPLETED = '<CompleteMultipartUploadResult><ETag>"e"</ETag></CompleteMultipartUploadResult>'
Answer = tuple[int, str, dict[str, str]]


class ForgetfulS3:
    """An S3 with ``objects`` by path. Each ``lose_`` attribute is the number of things that it will still lose.

    ``lose_objects`` counts new objects; the others count uploads, lost when a part arrives or at their completion.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.started = 0
        self.lose_objects = self.lose_before_part = self.lose_before_end = 0
        self.may_look = True
        self.may_abort = True
        self.url = ""

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> Answer:
        if method == "HEAD":
            return self._head(path)
        if method == "POST" and "uploads" in query:
            self.started += 1
            self.uploads[f"u{self.started}"] = {}
            return 200, STARTED.format(upload_id=f"u{self.started}"), {}
        if "uploadId" in query:
            return self._with_upload(method, path, query, body)
        self._keep(path, body)
        return 200, "", {"etag": '"e"'}

    def _head(self, path: str) -> Answer:
        if not self.may_look:
            return 403, "", {}
        found = self.objects.get(path)
        return (404, "", {}) if found is None else (200, "", {"content-length": str(len(found))})

    def _with_upload(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> Answer:
        upload_id = query["uploadId"][0]
        if method == "DELETE" and not self.may_abort:
            return 403, ERROR.format(code="AccessDenied"), {}
        self._lose(method, upload_id)
        parts = self.uploads.get(upload_id)
        if parts is None:
            return 404, ERROR.format(code="NoSuchUpload"), {}
        if method == "PUT":
            parts[int(query["partNumber"][0])] = body
            return 200, "", {"etag": '"e"'}
        del self.uploads[upload_id]
        if method == "POST":
            self._keep(path, b"".join(parts[number] for number in sorted(parts)))
        return 200, COMPLETED, {}

    def _lose(self, method: str, upload_id: str) -> None:
        if method == "PUT" and self.lose_before_part:
            self.lose_before_part -= 1
            self.uploads.pop(upload_id, None)
        if method == "POST" and self.lose_before_end:
            self.lose_before_end -= 1
            self.uploads.pop(upload_id, None)

    def _keep(self, path: str, body: bytes) -> None:
        if self.lose_objects:
            self.lose_objects -= 1
        else:
            self.objects[path] = body


@contextmanager
def serving() -> Iterator[ForgetfulS3]:
    """Serve a forgetful S3 on a free port of the loopback interface."""
    s3 = ForgetfulS3()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            if self.headers.get("expect"):
                self.send_response_only(100)
                self.end_headers()
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            url = urlsplit(self.path)
            status, text, headers = s3.answer(self.command, url.path, parse_qs(url.query, True), body)
            self.send_response(status)
            for name, value in ({"content-length": str(len(text.encode()))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = handle_any

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing: the tests inspect what is kept."""

        def handle_expect_100(self) -> bool:
            return True

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    s3.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield s3
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
