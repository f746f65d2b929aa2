"""KMS: the account's own keys for the output encryption picker, and whether a key can be used."""

from collections import defaultdict
from dataclasses import dataclass

from batchconsole.aws.errors import translate
from batchconsole.aws.session import Target, client

SYMMETRIC = "SYMMETRIC_DEFAULT"
AWS_MANAGED = "alias/aws/"  # Keys that AWS manages for one service; roles of other services cannot use them.


@dataclass(frozen=True, kw_only=True)
class Key:
    """A customer managed key; ``aliases`` are like ``alias/prompts``."""

    key_id: str
    arn: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class KeyDetails:
    """The state and use of a key; ``state`` is KMS's value: ``Enabled``, ``Disabled``, ``PendingDeletion`` ..."""

    state: str
    spec: str = ""
    usage: str = ""

    @property
    def is_enabled(self) -> bool:
        return self.state == "Enabled"

    @property
    def encrypts_objects(self) -> bool:
        """Whether S3 accepts it; https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html."""
        return self.spec in ("", SYMMETRIC) and self.usage in ("", "ENCRYPT_DECRYPT")


def describe_key(target: Target, key_id: str) -> KeyDetails:
    """Return the details of a key by its id, ARN or alias.

    Raises
    ------
    AwsError
        ``NotFoundException``, ``InvalidArnException`` (a key of another region), ``AccessDeniedException``, or AWS
        could not be reached.
    """
    with translate("DescribeKey", permission="kms:DescribeKey", subject=key_id):
        key = client(target, "kms").describe_key(KeyId=key_id)["KeyMetadata"]
    return KeyDetails(state=key.get("KeyState", ""), spec=key.get("KeySpec", ""), usage=key.get("KeyUsage", ""))


def list_keys(target: Target) -> list[Key]:
    """Return the keys of this region that AWS does not manage, those with an alias first. Raises :class:`AwsError`."""
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
