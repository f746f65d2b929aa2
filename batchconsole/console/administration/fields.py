"""Form fields of the administration for list-valued columns."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError


class LinesField(forms.CharField):
    """A list of strings, one per line; *check* raises ValidationError if the list is invalid."""

    def __init__(self, *, check: Any, **options: Any) -> None:
        super().__init__(
            required=False, widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}), **options
        )
        self._check = check

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        lines = value if isinstance(value, list) else str(value or "").splitlines()
        return [line.strip() for line in lines if line.strip()]

    def validate(self, value: Any) -> None:
        super().validate(value)
        self._check(value)

    def run_validators(self, value: Any) -> None:
        """Skip CharField's validators, which expect one string; :meth:`validate` has checked the list."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(initial) != self.to_python(data))


class ChecklistField(forms.MultipleChoiceField):
    """A list of some of the *choices*, shown as checkboxes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.CheckboxSelectMultiple, **options)

    def clean(self, value: Any) -> list[str]:
        chosen = super().clean(value)
        if not isinstance(chosen, list):
            raise ValidationError("Choose some.")
        return [str(each) for each in chosen]
