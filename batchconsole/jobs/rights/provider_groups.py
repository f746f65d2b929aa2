"""Rights of the groups of an OpenID provider.

Each mapped group of the provider has a Django group named ``openid: <name>``, which holds the grants. At each sign-in,
the user becomes a member of exactly the mapped groups that the provider names, so a right that is removed there ends
with the next sign-in here. Groups and grants that administrators create are not changed.
"""

import logging
from collections.abc import Collection, Iterable

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction

from batchconsole.jobs.models import Connection, Grant, Role
from batchconsole.openid_groups import GroupGrant, read_group_grant

logger = logging.getLogger(__name__)

PREFIX = "openid: "
ALL = "*"


def apply_groups(user: User, names: Collection[str]) -> None:
    """Make *user* a member of exactly the mapped groups that the provider *names*, with their grants as configured."""
    wanted = [each for each in map(read_group_grant, settings.OPENID_GROUPS) if each.group in names]
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
    """Give *group* the configured grants and remove others; skip a grant whose role or connection does not exist."""
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
