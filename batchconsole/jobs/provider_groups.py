"""What the groups of an OpenID provider may do here.

Each mapped group of the provider is a group of ours, named ``openid: <name>``, that holds the grants. At each sign-in a
person becomes a member of just those that the provider says, so a right that is taken away there ends with the next
sign-in here. Groups and grants that administrators make stay as they are.
"""

import logging
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction

from batchconsole.jobs.models import Connection, Grant, Role

logger = logging.getLogger(__name__)

PREFIX = "openid: "
ENTRY = re.compile(r"(?P<group>.+)=(?P<role>[^=@]+)@(?P<connection>[^=@]+)")
ALL = "*"


@dataclass(frozen=True)
class GroupGrant:
    """The members of the provider's *group* have *role* on *connection*, or on all where that is ``*``."""

    group: str
    role: str
    connection: str


def read_map(entries: Iterable[str]) -> list[GroupGrant]:
    """The setting ``group=Role@connection,...``; raises ValueError that names the entry which is none."""
    found = []
    for entry in entries:
        parts = ENTRY.fullmatch(entry.strip())
        if not parts:
            raise ValueError(f"“{entry}” is not of the form group=Role@connection.")
        found.append(GroupGrant(*(text.strip() for text in parts.groups())))
    return found


def apply_groups(user: User, names: Collection[str]) -> None:
    """Make *user* a member of just those mapped groups that the provider *names*, with their grants as set."""
    wanted = [each for each in read_map(settings.OPENID_GROUPS) if each.group in names]
    with transaction.atomic():
        groups = {each.group: _group(each.group) for each in wanted}
        for name, group in groups.items():
            _set_grants(group, [each for each in wanted if each.group == name])
        others = user.groups.filter(name__startswith=PREFIX).exclude(pk__in=[each.pk for each in groups.values()])
        user.groups.remove(*others)
        user.groups.add(*groups.values())


def _group(name: str) -> Group:
    return Group.objects.get_or_create(name=f"{PREFIX}{name}"[:150])[0]


def _set_grants(group: Group, wanted: Iterable[GroupGrant]) -> None:
    """Give *group* the grants of the setting and take others away; one that names what is not there is left out."""
    kept = []
    for each in wanted:
        role = Role.objects.filter(name=each.role).first()
        connection = Connection.objects.filter(name=each.connection).first()
        if role is None or (connection is None and each.connection != ALL):
            logger.warning("BATCHCONSOLE_OPENID_GROUPS: there is no %s@%s.", each.role, each.connection)
            continue
        kept.append(Grant.objects.get_or_create(group=group, role=role, connection=connection)[0].pk)
    for grant in Grant.objects.filter(group=group).exclude(pk__in=kept):
        grant.delete()
