"""The page where one sets theme, density and time zone; the answers are kept for the person."""

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from batchconsole.console.frame import drafts, preferences
from batchconsole.console.frame.home import safe_next


def radios() -> forms.RadioSelect:
    return forms.RadioSelect(attrs={"class": "radio"})


class PreferencesForm(forms.Form):
    """Each field is named after its cookie, dashes for underscores."""

    theme = forms.ChoiceField(choices=list(preferences.THEMES.items()), widget=radios())
    density = forms.ChoiceField(choices=list(preferences.DENSITIES.items()), widget=radios())
    time_zone = forms.ChoiceField(choices=list(preferences.TIME_ZONES.items()), widget=radios())
    page_size = forms.TypedChoiceField(
        choices=[(size, f"{size} jobs") for size in preferences.PAGE_SIZES], coerce=int, widget=radios()
    )


@drafts.takes_drafts
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest) -> HttpResponse:
    now = preferences.Preferences.read(request.COOKIES)
    draft = drafts.restored(request) or QueryDict()
    initial = {name: draft.get(name) or getattr(now, name) for name in PreferencesForm.base_fields}
    form = PreferencesForm(request.POST or None, initial=initial)
    if not form.is_valid():
        return render(request, "console/frame/preferences.html", {"form": form, "next": safe_next(request)})
    response = HttpResponseRedirect(safe_next(request))
    for name, value in form.cleaned_data.items():
        preferences.remember(request, response, name.replace("_", "-"), str(value))
    return response
