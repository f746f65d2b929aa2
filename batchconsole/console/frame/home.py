"""The home page, which leads to a connection's overview or says how to get a connection; and the help topics."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.template.loader import TemplateDoesNotExist, get_template

from batchconsole.console.frame.context import last_connection, viewable
from batchconsole.console.kit.answers import show
from batchconsole.console.kit.links import back_to
from batchconsole.jobs.models import Connection
from batchconsole.jobs.rights.access import who_grants


def home(request: HttpRequest) -> HttpResponse:
    connection = last_connection(request, viewable(request))
    if connection:
        return redirect("overview", connection.name)
    context = {"has_connections": Connection.objects.enabled().exists(), "who_grants": who_grants(None)}
    return render(request, "console/frame/no_connection.html", context)


def help_topic(request: HttpRequest, topic: str) -> HttpResponse:
    """Show a help topic: a fragment for the help panel, or a full page without JavaScript."""
    template = f"console/help/{topic}.html"
    try:
        get_template(template)
    except TemplateDoesNotExist as error:
        raise Http404(f"There is no help topic {topic}.") from error
    return show(request, "console/frame/help_topic.html", {"topic": template}, part=template)


def safe_next(request: HttpRequest) -> str:
    """Return the URL that the user wanted to open, if it is on this site, else the home page."""
    return back_to(request, resolve_url(settings.LOGIN_REDIRECT_URL))
