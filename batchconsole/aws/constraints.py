"""The rules of CreateModelInvocationJob's fields, read at run time from the service model botocore ships."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

# The API model admits 200 in one call, the service 50 a resource.
# https://docs.aws.amazon.com/bedrock/latest/userguide/tagging.html
MAX_TAGS = 50
# In jobName's pattern a run of hyphens can be split in exponentially many ways between ``-*`` and a class that holds
# the hyphen too: sixty hyphens and an underscore would keep a matcher busy for years. The ``-*`` adds nothing.
REDUNDANT_HYPHENS = re.compile(r"\(-\*(\[[^\]]*\\-[^\]]*\])\)")


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """What the API accepts for one field.

    ``min`` and ``max`` bound the length of a text, the number of items of a list, the value of a number. ``pattern`` is
    a regular expression for the whole text, usable in Python and in HTML; ``None`` means no rule. ``item`` is the rule
    of a list's items.
    """

    min: int | None = None
    max: int | None = None
    pattern: str | None = None
    enum: tuple[str, ...] = ()
    item: "Constraint | None" = None

    def matches(self, text: str) -> bool:
        """Whether all of *text* fits the pattern; true without one. Length is not looked at."""
        return self.pattern is None or re.fullmatch(self.pattern, text) is not None


@cache
def job_constraints() -> dict[str, Constraint]:
    """The rule of each field of a create request, by its API name without the path: ``jobName``, ``s3Uri``, ``key``.

    ``subnetIds`` and ``securityGroupIds`` carry their items' rule in ``item``; a tag's parts are ``key`` and ``value``.
    Source: botocore's ``bedrock/2023-04-20`` service model, operation CreateModelInvocationJob.
    """
    model = ServiceModel(Loader().load_service_model("bedrock", "service-2"), "bedrock")
    return dict(_walk(model.operation_model("CreateModelInvocationJob").input_shape))


def _walk(shape: Any) -> list[tuple[str, Constraint]]:
    """The rules of a structure's members and, under their own names, of the structures inside."""
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
