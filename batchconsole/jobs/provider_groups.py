"""What the groups of an OpenID provider may do here.

Each mapped group of the provider is a group of ours, named ``openid: <name>``, that holds the grants. At each sign-in a
person becomes a member of just those that the provider says, so a right that is taken away there ends with the next
sign-in here. Groups and grants that administrators make stay as they are.
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
    """Make *user* a member of just those mapped groups that the provider *names*, with their grants as set."""
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
