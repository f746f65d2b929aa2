"""The constraints of CreateModelInvocationJob's fields, read at run time from the service model in botocore."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import re2
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

# The API model allows 200 in one call, but the service 50 per resource.
# https://docs.aws.amazon.com/bedrock/latest/userguide/tagging.html
MAX_TAGS = 50
# In the pattern of jobName, a run of hyphens can be split in exponentially many ways between ``-*`` and a class that
# contains the hyphen too, so a matcher would need years for sixty hyphens and an underscore. The ``-*`` is redundant.
REDUNDANT_HYPHENS = re.compile(r"\(-\*(\[[^\]]*\\-[^\]]*\])\)")


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """What the API accepts for one field.

    ``min`` and ``max`` limit the length of a string, the number of items in a list, or the value of a number.
    ``pattern`` is a regular expression for the whole string, valid in Python and in HTML. ``item`` is the constraint of
    a list's items. ``None`` means that there is no limit.
    """

    min: int | None = None
    max: int | None = None
    pattern: str | None = None
    enum: tuple[str, ...] = ()
    item: "Constraint | None" = None

    def matches(self, text: str) -> bool:
        """Whether all of *text* matches the pattern; true if there is none. The length is not checked."""
        return self.pattern is None or matches_whole(self.pattern, text)


def matches_whole(pattern: str, text: str) -> bool:
    """Whether *pattern*, one of AWS's, matches all of *text*, in linear time, which Python's own engine may exceed.

    A lone surrogate, which JSON and forms can hold but RE2 cannot, never matches.
    """
    try:
        return bool(re2.fullmatch(pattern, text))
    except UnicodeEncodeError:
        return False


@cache
def job_constraints() -> dict[str, Constraint]:
    """Return the constraint of each field of a create request by its API name: ``jobName``, ``s3Uri``, ``key``.

    Names have no path. ``subnetIds`` and ``securityGroupIds`` have their items' constraint in ``item``; the parts of a
    tag are ``key`` and ``value``.
    Source: botocore's ``bedrock/2023-04-20`` service model, operation CreateModelInvocationJob.
    """
    model = ServiceModel(Loader().load_service_model("bedrock", "service-2"), "bedrock")
    return dict(_walk(model.operation_model("CreateModelInvocationJob").input_shape))


def _walk(shape: Any) -> list[tuple[str, Constraint]]:
    """Return the constraints of a structure's members, with those of nested structures under their own names."""
    found: list[tuple[str, Constraint]] = []
    for name, member in shape.members.items():
        inner = member.member if member.type_name == "list" else member
        if inner.type_name == "structure":
            found += _walk(inner)
        if member.type_name != "structure":
            found.append((name, _constraint(member)))
    return found


def _constraint(shape: Shape) -> Constraint:
    rules = shape.metadata
    pattern = rules.get("pattern")
    is_plain_list = shape.type_name == "list" and shape.member.type_name != "structure"
    return Constraint(
        min=rules.get("min"),
        max=rules.get("max"),
        pattern=pattern and REDUNDANT_HYPHENS.sub(r"(\1)", pattern),
        enum=tuple(rules.get("enum", ())),
        item=_constraint(shape.member) if is_plain_list else None,
    )
