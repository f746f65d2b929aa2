"""KMS: the account's own keys, for the output encryption picker."""

from collections import defaultdict
from dataclasses import dataclass

from batchconsole.aws.errors import translate
from batchconsole.aws.session import Target, client

AWS_MANAGED = "alias/aws/"  # Keys AWS keeps for one service; another service's role cannot be given them.


@dataclass(frozen=True, kw_only=True)
class Key:
    """A customer managed key; ``aliases`` like ``alias/prompts``."""

    key_id: str
    arn: str
    aliases: tuple[str, ...] = ()


def list_keys(target: Target) -> list[Key]:
    """The keys of this region that are not AWS's own, those with an alias first; raises :class:`AwsError`."""
    kms = client(target, "kms")
    aliases: defaultdict[str, list[str]] = defaultdict(list)
    with translate("ListAliases", permission="kms:ListAliases"):
        for page in kms.get_paginator("list_aliases").paginate():
            for item in page["Aliases"]:
                aliases[item.get("TargetKeyId", "")].append(item["AliasName"])
    with translate("ListKeys", permission="kms:ListKeys"):
        keys = [
            Key(key_id=item["KeyId"], arn=item["KeyArn"], aliases=tuple(sorted(aliases[item["KeyId"]])))
            for page in kms.get_paginator("list_keys").paginate()
            for item in page["Keys"]
        ]
    own = [key for key in keys if not any(alias.startswith(AWS_MANAGED) for alias in key.aliases)]
    return sorted(own, key=lambda key: (not key.aliases, key.aliases, key.key_id))
