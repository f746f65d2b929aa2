"""The monitoring of free space on the data folder's disk."""

from pathlib import Path
from threading import Event

import pytest

from batchconsole.up import space
from batchconsole.up.space import SpaceWatch


def test_a_change_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    watch = SpaceWatch(tmp_path, said.append, stopping=Event())
    assert not watch.look()
    assert said == []
    monkeypatch.setattr(space, "LEAST_BYTES", 1 << 62)  # more than any disk has
    assert watch.look()
    assert watch.look()
    monkeypatch.undo()
    assert not watch.look()
    assert ["is nearly full" in line for line in said] == [True, False]
    assert "has room again" in said[1]
