"""Change forms that write only what their user changed, and tell what others changed after the page was opened.

The page posts each field's value as it was shown along with the new one.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest

CHANGED = "Changed after you opened this page: it is {} now. Save again to keep your value."


def spoken(field: forms.Field, value: Any) -> str:
    """Return the *value* of a field as its page words it."""
    if isinstance(value, bool):
        return "selected" if value else "not selected"
    prepared = field.prepare_value(value)
    titles = {str(key): str(title) for key, title in getattr(field, "choices", ())}
    each = prepared if isinstance(prepared, list | tuple) else [prepared]
    words = ", ".join(titles.get(str(one), str(one)) for one in each if one not in (None, ""))
    return f"“{words}”" if words else "empty"


def telling_changes(form: Callable[..., Any]) -> Callable[..., Any]:
    """Return the class *form* of a stored row, with what the page showed in hidden fields."""

    class Telling(form):  # type: ignore[misc, valid-type] # made by Django for the model
        data: Any

        def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
            super().__init__(data, *args, **kwargs)
            for name, field in self.fields.items():
                field.show_hidden_initial = not field.disabled and (data is None or self._was_shown(name, data))

        def _was_shown(self, name: str, data: Any) -> bool:
            """Whether *data* says what the page showed; of an empty selection nothing is posted."""
            start = self.add_initial_prefix("")
            has_many = issubclass(self.fields[name].hidden_widget, forms.MultipleHiddenInput)
            return start + name in data or (has_many and any(key.startswith(start) for key in data))

        def clean(self) -> Any:
            values = super().clean()
            for name, field in self.fields.items():
                if field.show_hidden_initial:
                    self._compare(name, field, self.get_initial_for_field(field, name))
            return values

        def _compare(self, name: str, field: Any, now: Any) -> None:
            """Refuse the value if others changed the field and the user too; keep *now* if only others did."""
            bound = self[name]
            seen = field.hidden_widget().value_from_datadict(self.data, self.files, bound.html_initial_name)
            if not field.has_changed(now, seen):
                return
            if name not in self.changed_data:
                if isinstance(field, forms.ModelMultipleChoiceField):  # other columns are not written at all
                    self.cleaned_data[name] = now
            elif field.has_changed(now, bound.data):
                self.add_error(name, CHANGED.format(spoken(field, now)))
                self._show_as_seen(bound.html_initial_name, field.prepare_value(now))

        def _show_as_seen(self, html_name: str, value: Any) -> None:
            """Let the page that tells of the change count as the one that showed it."""
            self.data = self.data.copy()
            shown = value if isinstance(value, list) else ["" if value is None else value]
            self.data.setlist(html_name, [str(each) for each in shown])

    return Telling


class ToldChanges:
    """Change pages of an admin whose forms tell what others changed."""

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc] # a mixin of ModelAdmin
        return telling_changes(form) if change else form
