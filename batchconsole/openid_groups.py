"""The format of BATCHCONSOLE_OPENID_GROUPS. Imports no models, so system checks can use it at any time."""

import re
from dataclasses import dataclass

ENTRY = re.compile(r"(?P<group>.+)=(?P<role>[^=@]+)@(?P<connection>[^=@]+)")


@dataclass(frozen=True)
class GroupGrant:
    """Members of the provider's *group* have *role* on *connection*, or on all connections if that is ``*``."""

    group: str
    role: str
    connection: str


def read_group_grant(entry: str) -> GroupGrant:
    """Parse ``group=Role@connection``. Raises ValueError if *entry* has another form."""
    parts = ENTRY.fullmatch(entry.strip())
    if not parts:
        raise ValueError(f"“{entry}” is not of the form group=Role@connection.")
    return GroupGrant(*(text.strip() for text in parts.groups()))
