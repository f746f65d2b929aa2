"""Form fields for Bedrock parameters: each checks its API rule and explains errors in plain words."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from batchconsole.aws.constraints import Constraint, job_constraints
from batchconsole.aws.s3_addresses import s3_uri
from batchconsole.console.kit.validators import api_rule, rule, validate_s3_uri
from batchconsole.console.kit.widgets import PickOrType


def required(label: str) -> dict[str, str]:
    """Return Cloudscape's message for an empty field."""
    return {"required": f"{label} is required."}


class ApiTextField(forms.CharField):
    """A text sent to Bedrock as the API field *api_name*."""

    def __init__(self, api_name: str, *, label: str, invalid: str = "", too_long: str = "", **kwargs: Any) -> None:
        messages = required(label) | kwargs.pop("error_messages", {})
        super().__init__(label=label, error_messages=messages, **kwargs)
        self.validators.append(
            api_rule(api_name, invalid or f"Enter a valid {label[0].lower()}{label[1:]}.", too_long=too_long)
        )


class S3UriField(forms.CharField):
    """An S3 URI, or another notation of the same location (see :mod:`batchconsole.aws.s3_addresses`)."""

    def __init__(self, *, label: str = "S3 URI", **kwargs: Any) -> None:
        super().__init__(label=label, error_messages=required("S3 URI"), **kwargs)
        self.validators.append(validate_s3_uri)

    def to_python(self, value: Any) -> Any:
        return s3_uri(super().to_python(value) or "")

    def bound_data(self, data: Any, initial: Any) -> Any:
        return s3_uri(data or "")


class HoursField(forms.IntegerField):
    """A whole number within the API's range."""

    def __init__(self, api_name: str, *, label: str, **kwargs: Any) -> None:
        constraint = job_constraints()[api_name]
        message = f"{label} must be a whole number from {constraint.min} to {constraint.max}."
        super().__init__(
            label=label,
            min_value=constraint.min,
            max_value=constraint.max,
            error_messages={"invalid": message, "min_value": message, "max_value": message},
            **kwargs,
        )


class IdListField(forms.Field):
    """Several ids, picked or typed; the value is a list without duplicates.

    *api_name* is a list of the API or, with at most *most* values, what each value would be on its own.
    """

    widget = PickOrType

    def __init__(self, api_name: str, *, label: str, noun: str, most: int | None = None, **kwargs: Any) -> None:
        super().__init__(label=label, **kwargs)
        self.noun = noun
        of_api = job_constraints()[api_name]
        self.limits = of_api if of_api.item else Constraint(max=most, item=of_api)

    def clean(self, value: list[str] | None) -> list[str]:
        ids = value or []
        if self.limits.max is not None and len(ids) > self.limits.max:
            raise ValidationError(f"Choose up to {self.limits.max} {self.noun}s. You chose {len(ids)}.")
        validate = rule(self.limits.item or Constraint(), "")
        wrong = [item for item in ids if _refused(validate, item)]
        if wrong:
            raise ValidationError(f"Enter valid {self.noun} IDs. Not valid: {', '.join(wrong)}.")
        return ids


def _refused(validate: Any, value: str) -> bool:
    try:
        validate(value)
    except ValidationError:
        return True
    return False
