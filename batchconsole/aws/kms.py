"""KMS: the account's own keys, for the output encryption picker, and whether one can be used."""

from collections import defaultdict
from dataclasses import dataclass

from batchconsole.aws.errors import translate
from batchconsole.aws.session import Target, client

SYMMETRIC = "SYMMETRIC_DEFAULT"
AWS_MANAGED = "alias/aws/"  # Keys AWS keeps for one service; another service's role cannot be given them.


@dataclass(frozen=True, kw_only=True)
class Key:
    """A customer managed key; ``aliases`` like ``alias/prompts``."""

    key_id: str
    arn: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class KeyDetails:
    """What a key can be used for; ``state`` is KMS's word: ``Enabled``, ``Disabled``, ``PendingDeletion`` ..."""

    state: str
    spec: str = ""
    usage: str = ""

    @property
    def is_enabled(self) -> bool:
        return self.state == "Enabled"

    @property
    def encrypts_objects(self) -> bool:
        """Whether S3 takes it; https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html."""
        return self.spec in ("", SYMMETRIC) and self.usage in ("", "ENCRYPT_DECRYPT")


def describe_key(target: Target, key_id: str) -> KeyDetails:
    """The state of a key by its id, ARN or alias.

    Raises
    ------
    AwsError
        ``NotFoundException``, ``InvalidArnException`` (another region's), ``AccessDeniedException``, or never reached.
    """
    with translate("DescribeKey", permission="kms:DescribeKey", subject=key_id):
        key = client(target, "kms").describe_key(KeyId=key_id)["KeyMetadata"]
    return KeyDetails(state=key.get("KeyState", ""), spec=key.get("KeySpec", ""), usage=key.get("KeyUsage", ""))


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
