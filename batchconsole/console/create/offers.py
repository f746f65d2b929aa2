"""What AWS offers for a form field: a list of choices, or the error that prevented it.

The form opens even if AWS fails: an :class:`Offer` carries the error to the field, where users can still type a value.
"""

from collections.abc import Callable, Iterable
from hashlib import blake2b

from django.core.cache import cache
from django.http import QueryDict

from batchconsole.aws.errors import AwsError
from batchconsole.console.kit.page_form import Choices, Offer
from batchconsole.console.models.choices import by_provider
from batchconsole.console.models.search import ModelSearch
from batchconsole.jobs import account, service_roles
from batchconsole.jobs.account import Vpc
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.models import Actor, Connection
from batchconsole.jobs.rights.access import require_model

# How long a list is cached, so that a form shown again after a POST has its lists without new calls.
SECONDS_KNOWN = 60


def offer(name: str, connection: Connection, actor: Actor) -> Offer:
    """Ask AWS for the choices of the field *name*, one of :data:`OFFERS`, and cache them."""
    try:
        choices = OFFERS[name](connection, actor)
    except (AwsError, UserError) as error:
        return Offer([], error)
    cache.set(_key(name, connection), choices, SECONDS_KNOWN)
    return Offer(choices)


def known_offer(name: str, connection: Connection) -> Offer | None:
    """Return the cached choices, or None if there are none; AWS is not called."""
    choices = cache.get(_key(name, connection))
    return None if choices is None else Offer(choices)


def forget_offer(name: str, connection: Connection) -> None:
    """Delete the cached choices, after the console itself has changed what AWS offers."""
    cache.delete(_key(name, connection))


def _key(name: str, connection: Connection) -> str:
    known_by = f"{connection.target!r} {connection.service_roles} {connection.allowed_models}"
    return f"offer-{name}-{blake2b(known_by.encode(), digest_size=16).hexdigest()}"


def roles(connection: Connection, actor: Actor) -> Choices:
    found = service_roles.list_service_roles(connection, actor)
    return [("", "Choose a service role"), *((role.arn, role.name) for role in found)] if found else []


def keys(connection: Connection, actor: Actor) -> Choices:
    found = [(key.arn, " ".join([*key.aliases, f"({key.key_id})"])) for key in account.list_keys(connection, actor)]
    return [("", "Default encryption"), *found] if found else []


def subnets(connection: Connection, actor: Actor) -> Choices:
    rows = [
        (item.vpc_id, item.subnet_id, ", ".join(filter(None, [item.name, item.availability_zone, item.cidr])))
        for item in account.list_subnets(connection, actor)
    ]
    return _by_vpc(account.list_vpcs(connection, actor), rows)


def security_groups(connection: Connection, actor: Actor) -> Choices:
    rows = [
        (item.vpc_id, item.group_id, ", ".join(filter(None, [item.name, item.description])))
        for item in account.list_security_groups(connection, actor)
    ]
    return _by_vpc(account.list_vpcs(connection, actor), rows)


def _by_vpc(vpcs: Iterable[Vpc], rows: Iterable[tuple[str, str, str]]) -> Choices:
    """Group the choices by VPC, because all subnets and security groups of a job must belong to one VPC."""
    groups: dict[str, Choices] = {vpc.vpc_id: [] for vpc in vpcs}
    titles = {vpc.vpc_id: " ".join(filter(None, [vpc.vpc_id, vpc.name, vpc.cidr])) for vpc in vpcs}
    for vpc_id, value, note in rows:
        groups.setdefault(vpc_id, []).append((value, f"{value} ({note})" if note else value))
    return [(titles.get(vpc_id, vpc_id), choices) for vpc_id, choices in groups.items() if choices]


def models(connection: Connection, actor: Actor) -> Choices:
    """Return the models that can run batch jobs here and that the connection allows, by provider, one id of each."""
    found = ModelSearch.read(connection, actor, query=QueryDict())
    usable = [each for each in found.choices if not each.obstacle and _is_allowed(connection, each.ids[0])]
    return [
        (provider, [(each.ids[0], f"{each.model.name} ({each.ids[0]})") for each in group])
        for provider, group in by_provider(usable)
    ]


def _is_allowed(connection: Connection, model_id: str) -> bool:
    try:
        require_model(connection, model_id)
    except NotAllowed:
        return False
    return True


OFFERS: dict[str, Callable[[Connection, Actor], Choices]] = {
    "other_model_ids": models,
    "role_arn": roles,
    "output_kms_key_id": keys,
    "subnet_ids": subnets,
    "security_group_ids": security_groups,
}
