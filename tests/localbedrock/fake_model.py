"""A model server for tests: ``python -m tests.localbedrock.fake_model <port> <latency in seconds>``.

It answers chat completions with "ok" after the latency and uses little CPU. ``/stats`` returns the number of requests
since the last call and the seconds between the first and the last of them.
"""

import asyncio
import json
import sys
import time
from typing import Any

ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
    }
).encode()


class FakeModel:
    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._times: list[float] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                fields = head.lower().split(b"\r\ncontent-length:")
                await reader.readexactly(int(fields[1].split(b"\r\n")[0]) if len(fields) > 1 else 0)
                body = await self._answer(head.split(b" ", 2)[1])
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
                    % (len(body), body)
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, path: bytes) -> bytes:
        if path == b"/stats":
            return json.dumps(self._stats()).encode()
        if path == b"/v1/models":
            return b'{"data": [{"id": "fake"}]}'
        self._times.append(time.monotonic())
        await asyncio.sleep(self._latency)
        return ANSWER

    def _stats(self) -> dict[str, Any]:
        times, self._times = self._times, []
        return {"requests": len(times), "seconds": max(times, default=0) - min(times, default=0)}


async def main(port: int, latency: float) -> None:
    server = await asyncio.start_server(FakeModel(latency).serve, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
