"""The AWS account of a connection: its number, and the keys and networks in it that a job can use."""

from batchconsole.aws import ec2, kms, sts
from batchconsole.aws.ec2 import SecurityGroup, Subnet, Vpc
from batchconsole.aws.kms import Key, KeyDetails
from batchconsole.jobs.models import Actor, Connection, Right
from batchconsole.jobs.rights.access import require

__all__ = [
    "Key",
    "KeyDetails",
    "SecurityGroup",
    "Subnet",
    "Vpc",
    "account_id",
    "ask_account_id",
    "describe_key",
    "list_keys",
    "list_security_groups",
    "list_subnets",
    "list_vpcs",
]


def account_id(connection: Connection) -> str:
    """Return the account of the connection, asking AWS once and storing the answer. Raises :class:`AwsError`."""
    if not connection.account_id:
        connection.account_id = sts.account_id(connection.target)
        connection.save(update_fields=["account_id"])
    return connection.account_id


def ask_account_id(connection: Connection, actor: Actor) -> str:
    """Return the account that the connection's credentials belong to now. Raises NotAllowed and AwsError."""
    require(actor, Right.ADMINISTER, connection)
    return sts.account_id(connection.target)


def list_keys(connection: Connection, actor: Actor) -> list[Key]:
    """Return the customer managed keys of the region. Raises NotAllowed and AwsError."""
    require(actor, Right.SUBMIT, connection)
    return kms.list_keys(connection.target)


def describe_key(connection: Connection, actor: Actor, *, key_id: str) -> KeyDetails:
    """Return the state and usage of one key. Raises NotAllowed and AwsError."""
    require(actor, Right.SUBMIT, connection)
    return kms.describe_key(connection.target, key_id)


def list_vpcs(connection: Connection, actor: Actor) -> list[Vpc]:
    """Return the VPCs of the region. Raises NotAllowed and AwsError."""
    require(actor, Right.SUBMIT, connection)
    return ec2.list_vpcs(connection.target)


def list_subnets(connection: Connection, actor: Actor) -> list[Subnet]:
    """Return the subnets of the region. Raises NotAllowed and AwsError."""
    require(actor, Right.SUBMIT, connection)
    return ec2.list_subnets(connection.target)


def list_security_groups(connection: Connection, actor: Actor) -> list[SecurityGroup]:
    """Return the security groups of the region. Raises NotAllowed and AwsError."""
    require(actor, Right.SUBMIT, connection)
    return ec2.list_security_groups(connection.target)
