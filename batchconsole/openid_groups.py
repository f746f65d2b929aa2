"""How BATCHCONSOLE_OPENID_GROUPS is written. Knows no model: the settings are checked before there are any."""

import re
from dataclasses import dataclass

ENTRY = re.compile(r"(?P<group>.+)=(?P<role>[^=@]+)@(?P<connection>[^=@]+)")


@dataclass(frozen=True)
class GroupGrant:
    """The members of the provider's *group* have *role* on *connection*, or on all where that is ``*``."""

    group: str
    role: str
    connection: str


def read_group_grant(entry: str) -> GroupGrant:
    """What ``group=Role@connection`` says; raises ValueError for another text."""
    parts = ENTRY.fullmatch(entry.strip())
    if not parts:
        raise ValueError(f"“{entry}” is not of the form group=Role@connection.")
    return GroupGrant(*(text.strip() for text in parts.groups()))
