"""The README documents every setting and every permission, and its two commands are as people type them."""

import json
import re

import pytest

from batchconsole.setup.paths import ROOT

README = (ROOT / "README.md").read_text()
CODE = "\n".join(path.read_text() for path in sorted((ROOT / "batchconsole").rglob("*.py")))
BY_PREFIX = "BATCHCONSOLE_LOCALBEDROCK_"  # its settings are in its own --help


def names(pattern: str) -> list[str]:
    return sorted(set(re.findall(pattern, CODE)))


@pytest.mark.parametrize("name", [name for name in names(r"\bBATCHCONSOLE_[A-Z_]*[A-Z]\b") if name + "_" != BY_PREFIX])
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name.removesuffix('_FILE')}`" in README


@pytest.mark.parametrize("permission", names(r'permission="([a-z0-9]+:\w+)"'))
def test_every_permission_is_in_the_policy(permission: str) -> None:
    assert f'"{permission}"' in README


def test_the_policy_passes_and_makes_roles_under_one_path_only() -> None:
    text = next(block for block in re.findall(r"```json\n(.*?)```", README, re.DOTALL) if "PassServiceRoles" in block)
    statements = {each["Sid"]: each for each in json.loads(text)["Statement"]}
    for name in ("PassServiceRoles", "MakeServiceRoles"):
        assert statements[name]["Resource"] == "arn:aws:iam::*:role/service-role/*"


@pytest.mark.parametrize("command", ["python3 manage.py up", "python3 manage.py test"])
def test_the_two_commands_are_there_as_they_are_typed(command: str) -> None:
    assert re.search(rf"^{command}\b", README, re.MULTILINE)
