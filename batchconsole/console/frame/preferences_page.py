"""The page to set theme, density, time zone and page size, which are stored for the user."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from batchconsole.console.frame import drafts, preferences
from batchconsole.console.frame.home import safe_next
from batchconsole.console.kit import meanwhile


def radios() -> forms.RadioSelect:
    return forms.RadioSelect(attrs={"class": "radio"})


class PreferencesForm(forms.Form):
    """The preferences; each field has the name of its cookie, with underscores instead of dashes."""

    theme = forms.ChoiceField(choices=list(preferences.THEMES.items()), widget=radios())
    density = forms.ChoiceField(choices=list(preferences.DENSITIES.items()), widget=radios())
    time_zone = forms.ChoiceField(choices=list(preferences.TIME_ZONES.items()), widget=radios())
    page_size = forms.TypedChoiceField(
        choices=[(size, f"{size} jobs") for size in preferences.PAGE_SIZES], coerce=int, widget=radios()
    )
    seen = meanwhile.seen_field()


CHANGED = "The preferences were changed after you opened this page. Save again to keep your values."


@drafts.takes_drafts
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest) -> HttpResponse:
    now = shown(preferences.current(request))
    draft = drafts.restored(request) or QueryDict()
    initial = now | {"seen": meanwhile.written(now)}
    form = PreferencesForm(request.POST or None, initial=initial | {name: draft[name] for name in draft})
    if not form.is_valid():
        return show_form(request, form)
    seen, here = meanwhile.read(form.cleaned_data.pop("seen")), as_text(form.cleaned_data)
    changed = meanwhile.changed(seen, now, here)
    if changed:
        form.data = {**form.data, "seen": meanwhile.written(now)}
        form.add_error(None, " ".join([CHANGED, *(conflict(form, name, now[name], here[name]) for name in changed)]))
        return show_form(request, form)
    response = HttpResponseRedirect(safe_next(request))
    for name, value in here.items():
        preferences.remember(request, response, name.replace("_", "-"), value)
    return response


def show_form(request: HttpRequest, form: PreferencesForm) -> HttpResponse:
    return render(request, "console/frame/preferences.html", {"form": form, "next": safe_next(request)})


def shown(now: preferences.Preferences) -> dict[str, str]:
    """Return the form's fields with the values from *now*, as strings."""
    return as_text({name: getattr(now, name) for name in PreferencesForm.base_fields if name != "seen"})


def as_text(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def conflict(form: PreferencesForm, name: str, now: str, here: str) -> str:
    """Describe both values of one preference with the form's labels."""
    field: Any = form.fields[name]
    titles = {str(value): title for value, title in field.choices}
    return f"{form[name].label}: {titles[now]} now, {titles[here]} here."
