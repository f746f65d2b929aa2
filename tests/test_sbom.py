"""The software bill of materials names every package of each lock file."""

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from batchconsole.setup.paths import ROOT

LOCKS = ["requirements.lock", "requirements-local.lock", "requirements-telemetry.lock", "tests/requirements.lock"]


def bill(lock: Path) -> list[dict[str, object]]:
    out = StringIO()
    call_command("sbom", str(lock), stdout=out)
    told = json.loads(out.getvalue())
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    return list(told["components"])


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pinned_package_is_in_it_with_its_hashes(lock: str) -> None:
    lines = (ROOT / lock).read_text().splitlines()
    pinned = {tuple(re.split(r"==|[ ;\\]", line)[:2]) for line in lines if re.match(r"[a-zA-Z]", line)}
    found = bill(ROOT / lock)
    assert pinned
    assert {(each["name"], each["version"]) for each in found} == {(re.sub(r"\[.*", "", n), v) for n, v in pinned}
    assert all(each["hashes"] and str(each["purl"]).startswith("pkg:pypi/") for each in found)


@pytest.mark.parametrize(("content", "said"), [(None, "is no file"), ("# empty\n", "pins no package")])
def test_a_file_that_is_no_lock_is_refused(content: str | None, said: str, tmp_path: Path) -> None:
    lock = tmp_path / "some.lock"
    if content is not None:
        lock.write_text(content)
    with pytest.raises(CommandError, match=said):
        call_command("sbom", str(lock))
