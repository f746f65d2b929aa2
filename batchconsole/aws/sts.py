"""STS: the account of a target's credentials."""

from batchconsole.aws.errors import translate
from batchconsole.aws.session import Target, client


def account_id(target: Target) -> str:
    """Return the 12-digit account id of the target's credentials. Raises :class:`AwsError`. Needs no permission."""
    with translate("GetCallerIdentity"):
        return str(client(target, "sts").get_caller_identity()["Account"])
