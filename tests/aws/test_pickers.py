"""Keys and networks to choose from, against MiniStack."""

from batchconsole.aws import ec2, kms
from batchconsole.aws.session import Target, client


def test_keys_with_an_alias_come_first(target: Target) -> None:
    service = client(target, "kms")
    plain = service.create_key()["KeyMetadata"]["KeyId"]
    named = service.create_key()["KeyMetadata"]["KeyId"]
    service.create_alias(AliasName="alias/prompts", TargetKeyId=named)
    keys = kms.list_keys(target)
    assert keys[0].aliases == ("alias/prompts",)
    assert [key.key_id for key in keys].index(named) < [key.key_id for key in keys].index(plain)


def test_aws_own_keys_are_left_out(target: Target) -> None:
    service = client(target, "kms")
    key_id = service.create_key()["KeyMetadata"]["KeyId"]
    service.create_alias(AliasName="alias/aws/s3", TargetKeyId=key_id)
    assert key_id not in [key.key_id for key in kms.list_keys(target)]


def test_networks_are_listed(target: Target) -> None:
    vpc = next(vpc for vpc in ec2.list_vpcs(target) if vpc.is_default)
    assert {subnet.vpc_id for subnet in ec2.list_subnets(target, vpc.vpc_id)} == {vpc.vpc_id}
    assert "default" in [group.name for group in ec2.list_security_groups(target, vpc.vpc_id)]


def test_another_vpc_has_other_subnets(target: Target) -> None:
    made = client(target, "ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    assert made in [vpc.vpc_id for vpc in ec2.list_vpcs(target)]
    assert ec2.list_subnets(target, made) == []


def test_names_are_the_name_tag(target: Target) -> None:
    service = client(target, "ec2")
    made = service.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    service.create_tags(Resources=[made], Tags=[{"Key": "Name", "Value": "batch"}])
    assert next(vpc.name for vpc in ec2.list_vpcs(target) if vpc.vpc_id == made) == "batch"
