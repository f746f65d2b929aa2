"""EC2: networks for the VPC pickers. ``name`` is the resource's Name tag, or a security group's name."""

from dataclasses import dataclass
from typing import Any

from batchconsole.aws.errors import translate
from batchconsole.aws.session import Target, client


@dataclass(frozen=True, kw_only=True)
class Vpc:
    """A virtual private cloud."""

    vpc_id: str
    cidr: str = ""
    name: str = ""
    is_default: bool = False


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """A subnet of a VPC."""

    subnet_id: str
    vpc_id: str
    availability_zone: str = ""
    cidr: str = ""
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class SecurityGroup:
    """A security group of a VPC."""

    group_id: str
    vpc_id: str
    name: str = ""
    description: str = ""


def list_vpcs(target: Target) -> list[Vpc]:
    """Return the VPCs of this region. Raises :class:`AwsError`."""
    return [
        Vpc(
            vpc_id=item["VpcId"],
            cidr=item.get("CidrBlock", ""),
            name=_name(item),
            is_default=item.get("IsDefault", False),
        )
        for item in _describe(target, "describe_vpcs", "DescribeVpcs", "Vpcs")
    ]


def list_subnets(target: Target, vpc_id: str = "") -> list[Subnet]:
    """Return the subnets of this region, or of one VPC. Raises :class:`AwsError`."""
    return [
        Subnet(
            subnet_id=item["SubnetId"],
            vpc_id=item["VpcId"],
            cidr=item.get("CidrBlock", ""),
            name=_name(item),
            availability_zone=item.get("AvailabilityZone", ""),
        )
        for item in _describe(target, "describe_subnets", "DescribeSubnets", "Subnets", vpc_id)
    ]


def list_security_groups(target: Target, vpc_id: str = "") -> list[SecurityGroup]:
    """Return the security groups of this region, or of one VPC. Raises :class:`AwsError`."""
    return [
        SecurityGroup(
            group_id=item["GroupId"],
            vpc_id=item.get("VpcId", ""),
            description=item.get("Description", ""),
            name=item.get("GroupName", ""),
        )
        for item in _describe(target, "describe_security_groups", "DescribeSecurityGroups", "SecurityGroups", vpc_id)
    ]


def _describe(target: Target, method: str, operation: str, member: str, vpc_id: str = "") -> list[dict[str, Any]]:
    filters = {"Filters": [{"Name": "vpc-id", "Values": [vpc_id]}]} if vpc_id else {}
    with translate(operation, permission=f"ec2:{operation}"):
        pages = client(target, "ec2").get_paginator(method).paginate(**filters)
        return [item for page in pages for item in page[member]]


def _name(item: dict[str, Any]) -> str:
    return next((str(tag["Value"]) for tag in item.get("Tags", []) if tag["Key"] == "Name"), "")
