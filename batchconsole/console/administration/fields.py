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


class PairsField(LinesField):
    """A map of names to values, one pair per line: ``name = value``."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(f"{name} = {each}" for name, each in value.items()) if isinstance(value, dict) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, dict):
            return value
        pairs = [line.partition("=") for line in super().to_python(value)]
        wrong = next((name for name, sign, each in pairs if not (name.strip() and sign and each.strip())), None)
        if wrong is not None:
            raise ValidationError(f"{wrong.strip() or 'A line'} is not a pair like name = value.")
        return {name.strip(): each.strip() for name, _, each in pairs}

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return super().has_changed(initial, data)
        except ValidationError:
            return True


class ChecklistField(forms.MultipleChoiceField):
    """A list of some of the *choices*, shown as checkboxes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.CheckboxSelectMultiple, **options)

    def clean(self, value: Any) -> list[str]:
        chosen = super().clean(value)
        if not isinstance(chosen, list):
            raise ValidationError("Choose some.")
        return [str(each) for each in chosen]
