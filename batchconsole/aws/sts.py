"""STS: whose credentials these are."""

from batchconsole.aws.errors import translate
from batchconsole.aws.session import Target, client


def account_id(target: Target) -> str:
    """The 12-digit account of the target's credentials; raises :class:`AwsError`. Needs no permission."""
    with translate("GetCallerIdentity"):
        return str(client(target, "sts").get_caller_identity()["Account"])
