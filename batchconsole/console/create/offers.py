"""What AWS offers for a field of a form: a list to choose from, or the reason why there is none.

A form opens whatever AWS says: an :class:`Offer` carries the error to the field, where the value can still be typed.
"""

from collections.abc import Callable, Iterable

from batchconsole.aws import ec2, iam, kms
from batchconsole.aws.ec2 import Vpc
from batchconsole.aws.errors import AwsError
from batchconsole.aws.session import Target
from batchconsole.console.kit.page_form import Choices, Offer


def offer(name: str, target: Target) -> Offer:
    """The offer for the form field *name*, one of :data:`OFFERS`."""
    try:
        return Offer(OFFERS[name](target))
    except AwsError as error:
        return Offer([], error)


def roles(target: Target) -> Choices:
    found = iam.list_service_roles(target)
    return [("", "Choose a service role"), *((role.arn, role.name) for role in found)] if found else []


def keys(target: Target) -> Choices:
    found = [(key.arn, " ".join([*key.aliases, f"({key.key_id})"])) for key in kms.list_keys(target)]
    return [("", "No key of your own"), *found] if found else []


def subnets(target: Target) -> Choices:
    rows = [
        (item.vpc_id, item.subnet_id, ", ".join(filter(None, [item.name, item.availability_zone, item.cidr])))
        for item in ec2.list_subnets(target)
    ]
    return _by_vpc(ec2.list_vpcs(target), rows)


def security_groups(target: Target) -> Choices:
    rows = [
        (item.vpc_id, item.group_id, ", ".join(filter(None, [item.name, item.description])))
        for item in ec2.list_security_groups(target)
    ]
    return _by_vpc(ec2.list_vpcs(target), rows)


def _by_vpc(vpcs: Iterable[Vpc], rows: Iterable[tuple[str, str, str]]) -> Choices:
    """Choices in a group for each VPC, since a job's subnets and groups must be of one."""
    groups: dict[str, Choices] = {vpc.vpc_id: [] for vpc in vpcs}
    titles = {vpc.vpc_id: " ".join(filter(None, [vpc.vpc_id, vpc.name, vpc.cidr])) for vpc in vpcs}
    for vpc_id, value, note in rows:
        groups.setdefault(vpc_id, []).append((value, f"{value} ({note})" if note else value))
    return [(titles.get(vpc_id, vpc_id), choices) for vpc_id, choices in groups.items() if choices]


OFFERS: dict[str, Callable[[Target], Choices]] = {
    "role_arn": roles,
    "output_kms_key_id": keys,
    "subnet_ids": subnets,
    "security_group_ids": security_groups,
}
