"""What of the rehearsal runs in the suite: a web server that is asked to end answers what it has begun."""

import contextlib
import socket
import subprocess
from pathlib import Path

from batchconsole.setup.paths import ROOT
from tests.conftest import free_port, wait_for
from tests.rehearsal.hosts import command_of, without_settings
from tests.rehearsal.visitors import accepts, finish


def test_a_web_server_that_is_restarted_loses_no_request_in_flight(tmp_path: Path) -> None:
    """The unit's own command, with one worker process: the request is half there when the signal comes."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    replaced = {"8000": str(port), "2": "1"}
    command = [replaced.get(word, word) for word in command_of(ROOT, "web", "127.0.0.1")]
    environment = without_settings() | {"BATCHCONSOLE_DATA_DIR": str(tmp_path), "BATCHCONSOLE_SECRET_KEY": "x" * 50}
    with (
        subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as web,
        contextlib.ExitStack() as stack,
    ):
        stack.callback(web.kill)
        wait_for(f"{url}/healthz", web, seconds=90)
        request = stack.enter_context(socket.create_connection(("127.0.0.1", port), 60))
        request.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 20\r\n\r\n0123456789")
        assert accepts(url)  # so the server has taken the connection before this one
        web.terminate()
        while accepts(url):
            continue
        assert finish(request) == "HTTP/1.1 200 OK"
        assert web.wait(60) == 0
