"""The data folder is made inaccessible to other users of the machine, or it is refused."""

import os
import stat
from pathlib import Path

import pytest

from batchconsole.datafolder import DataFolder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("before", [None, "empty", "ours"])
def test_a_folder_that_is_ours_is_closed_to_others(before: str | None, tmp_path: Path) -> None:
    path = tmp_path / "data"
    if before:
        path.mkdir(mode=0o755)
        path.chmod(0o755)
    if before == "ours":
        (path / "secret_key").write_text("key")
    DataFolder(path).prepare()
    assert mode(path) == 0o700


def test_an_open_folder_with_other_things_in_it_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    tmp_path.chmod(0o755)
    with pytest.raises(PermissionError, match=f"mode 755.*chmod 700 {tmp_path}"):
        DataFolder(tmp_path).prepare()
    assert (mode(tmp_path), sorted(os.listdir(tmp_path))) == (0o755, ["notes.txt"])


def test_a_closed_folder_with_other_things_in_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    tmp_path.chmod(0o700)
    DataFolder(tmp_path).prepare()
    assert mode(tmp_path / "secret_key") == 0o600
