"""Imports follow the layers, and the packages outside Django load neither Django nor Celery."""

import subprocess
import sys
from pathlib import Path

import pytest

from batchconsole.setup.paths import ROOT


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_import_keeps_the_contracts() -> None:
    done = run(Path(sys.executable).with_name("lint-imports"), "--no-cache")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("part", ["batchconsole.records", "batchconsole.aws", "batchconsole.localbedrock"])
def test_a_part_outside_django_loads_neither_django_nor_celery(part: str) -> None:
    code = f"import pkgutil, sys, importlib, {part}\n" + (
        f"for found in pkgutil.walk_packages({part}.__path__, '{part}.'):\n"
        "    importlib.import_module(found.name)\n"
        "sys.exit(', '.join({'django', 'celery'} & set(sys.modules)) or 0)"
    )
    done = run(sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr


def test_the_set_up_runs_on_a_bare_python() -> None:
    """-S excludes site-packages, as on a machine on which nothing has been installed."""
    done = run(sys.executable, "-S", "-c", "from batchconsole.setup import chromium, clients, environment, model")
    assert done.returncode == 0, done.stderr
