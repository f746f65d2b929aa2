"""Everything docs/local-bedrock.md tells to type, run from top to bottom as printed; only the ports are others."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import local_aws
from tests.localbedrock.stack import Service, running

PAGE = Path(__file__).parents[2] / "docs" / "local-bedrock.md"
JAVASCRIPT = Path(__file__).parent / "js"
FEEDS = {
    "sh": "{text}",
    "python": "python - <<'END OF BLOCK'\n{text}END OF BLOCK\n",
    "js": f"(cd '{JAVASCRIPT}' && node --input-type=module - <<'END OF BLOCK'\n{{text}}END OF BLOCK\n)\n",
}


def as_script(page: str) -> str:
    """The blocks of *page* as one shell script; text in other languages is for reading."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return "set -e\n" + "".join(FEEDS[language].format(text=text) for language, text in found)


def test_every_command_works_as_printed(aws_cli: str, node: str, tmp_path: Path) -> None:
    paths = [str(Path(program).parent) for program in (sys.executable, aws_cli, node)]
    environment = os.environ | {"PATH": os.pathsep.join([*paths, os.environ["PATH"]]), "AWS_PAGER": ""}
    (tmp_path / "bedrock").mkdir()
    with local_aws(tmp_path) as (aws_url, _), running(Service(tmp_path / "bedrock", aws_url)) as service:
        script = as_script(PAGE.read_text()).replace("http://127.0.0.1:4566", aws_url)
        script = script.replace("http://127.0.0.1:4567", service.url)
        ended = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
    assert ended.returncode == 0, ended.stderr
    check(ended.stdout)


def check(said: str) -> None:
    assert '"successRecordCount":100' in said
    assert '"modelOutput":{"output":{"message":{"role":"assistant","content":[{"text":"Say ' in said
    assert {f"{number} Say {number}." for number in range(100)} <= set(said.splitlines())
    assert "from-boto3 Completed 100\nfirst-job Completed 100\nHello\n" in said
    assert '"kind":"throttle","operation":"ListModelInvocationJobs","count":2' in said
    assert '"hour_seconds":1.0' in said


@pytest.mark.parametrize("language", ["sh", "python", "js"])
def test_the_page_has_something_for_every_client(language: str) -> None:
    assert f"```{language}\n" in PAGE.read_text()
