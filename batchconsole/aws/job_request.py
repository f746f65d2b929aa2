"""The request of a batch job, described once: the members of CreateModelInvocationJob as one typed value.

Each field of :class:`JobRequest` names its member in the API; requests, responses, commands and rows derive from that.
A new member needs one more field here. Source: botocore's ``bedrock/2023-04-20`` service model.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Annotated, Any, Self, TypedDict, get_type_hints

from botocore import xform_name


class Tag(TypedDict):
    """A tag in the API's format."""

    key: str
    value: str


@dataclass(frozen=True)
class Member:
    """The place of a field in the API: the names of its parent structures and its own, joined by dots."""

    path: str


# The only member with a fixed value: the format of the input's records.
INPUT_FORMAT = (Member("inputDataConfig.s3InputDataConfig.s3InputFormat"), "JSONL")


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """The request of a batch job. An empty value means that the request omits the member.

    ``timeout_duration_in_hours`` is 24 to 168. Subnets and security groups are ids; give both or neither.
    """

    job_name: Annotated[str, Member("jobName")]
    model_id: Annotated[str, Member("modelId")]
    model_invocation_type: Annotated[str, Member("modelInvocationType")] = "InvokeModel"
    role_arn: Annotated[str, Member("roleArn")]
    client_request_token: Annotated[str, Member("clientRequestToken")] = ""
    input_s3_uri: Annotated[str, Member("inputDataConfig.s3InputDataConfig.s3Uri")]
    input_bucket_owner: Annotated[str, Member("inputDataConfig.s3InputDataConfig.s3BucketOwner")] = ""
    output_s3_uri: Annotated[str, Member("outputDataConfig.s3OutputDataConfig.s3Uri")]
    output_kms_key_id: Annotated[str, Member("outputDataConfig.s3OutputDataConfig.s3EncryptionKeyId")] = ""
    output_bucket_owner: Annotated[str, Member("outputDataConfig.s3OutputDataConfig.s3BucketOwner")] = ""
    subnet_ids: Annotated[tuple[str, ...], Member("vpcConfig.subnetIds")] = ()
    security_group_ids: Annotated[tuple[str, ...], Member("vpcConfig.securityGroupIds")] = ()
    timeout_duration_in_hours: Annotated[int | None, Member("timeoutDurationInHours")] = None
    tags: Annotated[tuple[Tag, ...], Member("tags")] = ()

    @classmethod
    def from_fields(cls, values: Mapping[str, Any]) -> Self:
        """Return a request from *values* by field name; missing fields get their default, or are empty.

        Other names are ignored, so a form's values or a row's can be passed; lists become tuples.
        """
        given = {name: _as_value(values[name]) for name in members(cls) if values.get(name)}
        return cls(**_blank() | given)

    def as_fields(self) -> dict[str, Any]:
        """Return all values by field name in JSON types, with lists instead of tuples."""
        return {field.name: _as_json(getattr(self, field.name)) for field in fields(self)}

    def to_api(self) -> dict[str, Any]:
        """Return the arguments for boto3, without empty members; equal requests give equal arguments."""
        return write_members(vars(self))


# The members of each class, cached because it takes too long to read the type hints for every job in a list.
_TABLES: dict[type[JobRequest], dict[str, Member]] = {}


def members(described: type[JobRequest]) -> dict[str, Member]:
    """Return the API member of each field of *described*, which is :class:`JobRequest` or a subclass."""
    if described not in _TABLES:
        hints = get_type_hints(described, include_extras=True)
        _TABLES[described] = {field.name: hints[field.name].__metadata__[0] for field in fields(described)}
    return _TABLES[described]


def read_members(described: type[JobRequest], answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values for the fields of *described* from *answer*, a job as returned by the API.

    Required fields that the answer lacks are empty: an input outside S3 has no URI.
    """
    found = {name: _read(answer, member) for name, member in members(described).items()}
    return _blank() | {name: _as_value(value) for name, value in found.items() if value is not None}


def write_members(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a request from *values* by field name, without those whose value is empty or missing."""
    request: dict[str, Any] = {}
    for path, places in _structures().items():
        given = {member: _as_json(value) for name, member in places if (value := values.get(name))}
        if given:
            _structure(request, path).update(given)
    path, member = _place(INPUT_FORMAT[0])
    _structure(request, path)[member] = INPUT_FORMAT[1]
    return request


def _structure(request: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Return the structure at *path* in *request*, made if it is missing."""
    for name in path:
        request = request.setdefault(name, {})
    return request


@cache
def _structures() -> dict[tuple[str, ...], list[tuple[str, str]]]:
    """Return the field and member names of each structure by path; cached, because a list writes them for every job."""
    found: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for name, member in members(JobRequest).items():
        path, own_name = _place(member)
        found.setdefault(path, []).append((name, own_name))
    return found


def _place(member: Member) -> tuple[tuple[str, ...], str]:
    """Return the path of the structure around *member* and its name there."""
    *path, name = member.path.split(".")
    return tuple(path), name


def cli_option(member_name: str) -> str:
    """Return the AWS CLI's option for a member of the request by the CLI's own rule: ``jobName``, ``--job-name``."""
    return f"--{xform_name(member_name, '-')}"


def _blank() -> dict[str, Any]:
    """Return an empty string for each field without a default; all of them are strings."""
    return {field.name: "" for field in fields(JobRequest) if field.default is MISSING}


def _read(answer: Mapping[str, Any], member: Member) -> Any:
    value: Any = answer
    for name in member.path.split("."):
        if value is None:
            return None
        value = value.get(name)
    return value


def _as_value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _as_json(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
