"""Run every command in docs/local-bedrock.md from top to bottom as printed; only the ports differ.

``bash`` blocks are programs that keep running, each in its own terminal; ``sh`` blocks are typed. Ollama and vLLM are
stand-ins, see other_servers.py.
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from batchconsole.setup import model
from batchconsole.setup.paths import ROOT
from tests.conftest import free_port

PAGE = (ROOT / "docs" / "local-bedrock.md").read_text()
JAVASCRIPT = Path(__file__).parent / "js"
PORTS = {
    "batchconsole.localaws": "4566",
    "batchconsole.localbedrock": "4567",
    "batchconsole.modelserver": "8080",
    "ollama serve": "11434",
    "vllm serve": "8000",
}
FEEDS = {
    "sh": "{text}",
    "python": "python - <<'END OF BLOCK'\n{text}END OF BLOCK\n",
    "js": f"(cd '{JAVASCRIPT}' && node --input-type=module - <<'END OF BLOCK'\n{{text}}END OF BLOCK\n)\n",
}
# Job control gives every program its own process group, so that all its processes can be ended together.
PROLOGUE = """\
set -e -m
end() { [ ! -f $1.pid ] || { kill -- -$(cat $1.pid) && wait $(cat $1.pid) || true; rm -f $1.pid; }; }
await() { until curl -s -o /dev/null http://127.0.0.1:$1/; do kill -0 $(cat $1.pid) || { cat $1.log >&2; exit 1; }
  sleep 0.1; done; }
trap 'for pid in *.pid; do end ${pid%.pid}; done' EXIT
"""


def as_script(page: str) -> str:
    """Return the blocks of *page* as one shell script."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return PROLOGUE + "".join(
        in_background(text) if language == "bash" else FEEDS[language].format(text=text) for language, text in found
    )


def in_background(text: str) -> str:
    port = next(port for name, port in PORTS.items() if name in text)
    return f"end {port}\n(\n{text}) >>{port}.log 2>&1 & echo $! >{port}.pid\nawait {port}\n"


def stand_in(folder: Path, program: str, port: str) -> None:
    path = folder / program
    path.write_text(f'#!/bin/sh\nPORT={port} exec python -m tests.localbedrock.other_servers {program} "$@"\n')
    path.chmod(0o755)


def test_every_command_works_as_printed(aws_cli: str, node: str, tmp_path: Path) -> None:
    ports = {port: str(free_port()) for port in PORTS.values()}
    stand_in(tmp_path, "ollama", ports["11434"])
    stand_in(tmp_path, "vllm", ports["8000"])
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "model").symlink_to(model.fetch().parent)
    paths = [str(tmp_path), *(str(Path(program).parent) for program in (sys.executable, aws_cli, node))]
    environment = {
        "PATH": os.pathsep.join([*paths, os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "AWS_PAGER": "",
        "BATCHCONSOLE_LOCALBEDROCK_PORT": ports["4567"],
        "TMPDIR": str(tmp_path),
        "IOT_MTLS_ENABLED": "0",
    }
    script = re.sub(rf"\b({'|'.join(ports)})\b", lambda port: ports[port[1]], as_script(PAGE))
    check(run(script, tmp_path, environment))
    assert '"embedding":[' in (tmp_path / "vector.json").read_text()


def run(script: str, folder: Path, environment: dict[str, str]) -> str:
    """Run *script* and return its output; in any case, end all programs that it has started."""
    command, environment = ["bash", "-c", script], os.environ | environment
    try:
        ended = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
        )
    finally:
        for left in folder.glob("*.pid"):
            os.killpg(int(left.read_text()), signal.SIGTERM)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def check(said: str) -> None:
    assert '"successRecordCount":100' in said
    assert '"modelOutput":{"output":{"message":{"role":"assistant","content":[{"text":"Say ' in said
    assert {f"{number} Say {number}." for number in range(100)} <= set(said.splitlines())
    assert "from-boto3 Completed 100\nfirst-job Completed 100\nHello\n" in said
    assert '"outputTokens": ' in said
    assert "openai completed 100\n" in said
    assert "over-ollama Completed 100\n" in said
    assert "over-vllm Completed 100\n" in said
    assert '"batchJobName":"followed-job"' in said.replace(": ", ":")
    assert '"kind":"throttle","operation":"ListModelInvocationJobs","count":2' in said
    assert '"hour_seconds":1.0' in said


@pytest.mark.parametrize("language", ["sh", "python", "js"])
def test_the_page_has_something_for_every_client(language: str) -> None:
    assert f"```{language}\n" in PAGE
