"""The files in deploy/: each is valid for its tool, and all of them run the processes that the README lists."""

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from batchconsole.setup.paths import ROOT

DEPLOY = ROOT / "deploy"
PROCESSES = ("web", "control", "scan", "beat")
TABLE = re.compile(r"^\| (\w+) \| `((?:granian|celery) [^`]+)` \|", re.MULTILINE)
README = dict(TABLE.findall((ROOT / "README.md").read_text()))
# Options that depend on where a process runs and on the number of cores.
FREE = ("--host", "--concurrency")


def words(command: str | list[str]) -> list[str]:
    """Return the words of *command* that must be the same in all deployments."""
    parts = command.split() if isinstance(command, str) else command
    return [part for part, before in zip(parts, ["", *parts], strict=False) if part not in FREE and before not in FREE]


def loaded(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text()))


def image_command() -> str:
    found = re.search(r"^CMD (\[.*\])$", (DEPLOY / "Containerfile").read_text(), re.MULTILINE)
    assert found
    return " ".join(yaml.safe_load(found[1]))


def in_systemd(process: str) -> str:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # keep the capitals in systemd's option names
    parser.read(DEPLOY / "systemd" / f"batchconsole-{process}.service")
    return parser["Service"]["ExecStart"].removeprefix("/opt/batchconsole/.venv/bin/")


def in_compose(process: str) -> Any:
    return loaded(DEPLOY / "compose.yaml")[0]["services"][process].get("command", image_command())


def in_kubernetes(process: str) -> Any:
    deployment = loaded(DEPLOY / "kubernetes" / f"{process}.yaml")[-1]
    return deployment["spec"]["template"]["spec"]["containers"][0].get("command", image_command())


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("command", [in_systemd, in_compose, in_kubernetes])
def test_each_process_is_the_one_the_readme_lists(process: str, command: Any) -> None:
    assert words(command(process)) == words(README[process])


def test_compose_is_valid() -> None:
    check("check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(DEPLOY / "compose.yaml"))


def test_kubernetes_objects_are_valid() -> None:
    files = [str(path) for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")) if path.stem != "kustomization"]
    tool = Path(sys.executable).parent / "kubernetes-validate"
    subprocess.run([tool, "--strict", *files], check=True, capture_output=True)


def test_the_base_names_each_file() -> None:
    named = loaded(DEPLOY / "kubernetes" / "kustomization.yaml")[0]["resources"]
    there = {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")} - {"kustomization.yaml"}
    assert set(named) == there


@pytest.mark.parametrize("process", PROCESSES)
def test_units_are_what_systemd_understands(process: str, tmp_path: Path) -> None:
    unit = DEPLOY / "systemd" / f"batchconsole-{process}.service"
    here = unit.read_text().replace("/opt/batchconsole/.venv/bin/", f"{Path(sys.executable).parent}/")
    (tmp_path / unit.name).write_text(here.replace("batchconsole\nEnvironmentFile", "root\nEnvironmentFile"))
    for line in unit.read_text().splitlines():
        assert not line or line.startswith("[") or "=" in line
    if shutil.which("systemd-analyze"):  # machines without systemd do not use the units
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", tmp_path / unit.name], capture_output=True, text=True, check=False
        )
        assert unit.name not in done.stderr


def test_the_image_collects_files_where_the_processes_look_for_them() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    assert text.count("BATCHCONSOLE_STATIC_DIR=/app/served") == 2


def test_nothing_of_the_local_stack_is_in_the_image() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    assert "requirements-local" not in text
    assert "ministack" not in (ROOT / "requirements.lock").read_text()


def check(module: str, *arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
