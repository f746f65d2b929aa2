"""Test a connection: whose credentials it has, and which of the permissions that the console needs it lacks."""

import json
from dataclasses import dataclass
from typing import Any

from batchconsole.aws.own_access import Answer, Finding, Identity, caller, console_policy, own_access
from batchconsole.jobs.models import Actor, Connection, Event, Right, Verb
from batchconsole.jobs.rights.access import require

__all__ = ["Answer", "ConnectionAccess", "Finding", "try_connection"]


@dataclass(frozen=True)
class ConnectionAccess:
    """The result of testing a connection."""

    identity: Identity
    region: str
    known_account: str
    findings: list[Finding]
    boundary_arn: str = ""

    @property
    def lacking(self) -> list[Finding]:
        return [each for each in self.findings if each.answer in (Answer.DENIED, Answer.PARTLY)]

    @property
    def is_other_account(self) -> bool:
        """Whether the credentials belong to a different account than the one the connection had so far."""
        return bool(self.known_account) and self.known_account != self.identity.account

    @property
    def policy(self) -> str:
        """The policy that adds the missing permissions, as JSON; empty if none is missing."""
        needs = [each.need for each in self.lacking]
        account, boundary_arn = self.identity.account, self.boundary_arn
        policy: dict[str, Any] = console_policy(needs, region=self.region, account=account, boundary_arn=boundary_arn)
        return json.dumps(policy, indent=2) if needs else ""


def try_connection(connection: Connection, actor: Actor) -> ConnectionAccess:
    """Ask AWS whose credentials *connection* has and what they allow. Raises NotAllowed and AwsError."""
    require(actor, Right.ADMINISTER, connection)
    identity = caller(connection.target)
    findings = own_access(connection.target, identity, boundary_arn=connection.role_boundary_arn)
    # Named by text: a connection that events refer to cannot be deleted, and most are tested before they are used.
    target = f"connection {connection}"[:255]
    Event.objects.create(actor=actor, verb=Verb.CONNECTION_TESTED, target=target, data={"identity": identity.arn})
    return ConnectionAccess(identity, connection.region, connection.account_id, findings, connection.role_boundary_arn)
