"""What the console remembers of the job list for each user: the table preferences and the saved views."""

from urllib.parse import unquote_plus, urlsplit

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.views.decorators.http import require_http_methods, require_POST

from batchconsole.console.frame import preferences
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.job_list import look
from batchconsole.console.job_list.forms import TableForm
from batchconsole.console.job_list.page import JobTable
from batchconsole.console.job_list.saved_views import (
    COOKIE,
    MAX_COOKIE,
    MAX_NAME,
    SavedView,
    views_of,
    with_view,
    without,
    write_views,
)
from batchconsole.console.kit import meanwhile
from batchconsole.console.kit.answers import show
from batchconsole.console.kit.links import back_to


@require_http_methods(["GET", "HEAD", "POST"])
def table(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Show or save the preferences of the table: a dialog, or a page without script."""
    back = back_to(request, request.connection.get_absolute_url())
    if "reset" in request.POST:
        return remembered(request, back, dict.fromkeys(look.KEPT, ""))
    form = TableForm.of(request.preferences, request.POST or None)
    if form.moved[0] or not form.is_valid():
        return show(request, "console/job_list/job_columns.html", {"form": form, "back": back})
    return remembered(request, back, form.kept())


def remembered(request: ConsoleRequest, back: str, wishes: dict[str, str]) -> HttpResponse:
    """Store the preferences *wishes* and redirect *back* to the list."""
    response = HttpResponseRedirect(without_page_size(back))
    for name, value in wishes.items():
        preferences.remember(request, response, name, value)
    return response


@require_POST
def widths(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Store the column widths that the page's script posts after a user resizes a column."""
    response = HttpResponse(status=204)
    widths = look.look_of(request.preferences).widths | look.read_widths(request.POST.get("widths", ""))
    preferences.remember(request, response, "widths", look.write_widths(widths))
    return response


def without_page_size(url: str) -> str:
    """Return *url* without ``page`` and ``page_size``, which would override the page size just chosen."""
    parts = urlsplit(url)
    query = QueryDict(parts.query, mutable=True)
    for name in ("page", "page_size"):
        query.pop(name, None)
    return parts._replace(query=query.urlencode()).geturl()


@require_POST
def save(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Save the current filter and sort order as a named view."""
    response = HttpResponseRedirect(back_to(request, request.connection.get_absolute_url()))
    name = request.POST.get("name", "").strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        messages.error(request, f"Enter a name of up to {MAX_NAME} printable characters for the view.")
        return response
    wanted = JobTable(request.connection, QueryDict(request.POST.get("query", "").lstrip("?")), request.preferences)
    view = SavedView(name, wanted.view_query)
    views = views_of(preferences.current(request))
    if is_changed(request, views, view):
        return response
    cookie = write_views(with_view(views, view))
    if len(cookie) > MAX_COOKIE:
        messages.error(request, "You have reached the limit of saved views. Remove one first.")
        return response
    preferences.remember(request, response, COOKIE, cookie)
    messages.success(request, f"The view {name} was saved.")
    return response


def is_changed(request: ConsoleRequest, views: list[SavedView], view: SavedView) -> bool:
    """Whether the named view was changed after the page was opened; if so, add a message with both queries."""
    now = {each.name: each.query for each in views}
    if not meanwhile.changed(meanwhile.read(request.POST.get("seen", "")), now, {view.name: view.query}):
        return False
    what = f"is {spoken(now[view.name])} now" if view.name in now else "is removed now"
    text = f"The view {view.name} was changed after you opened this page: it {what}, {spoken(view.query)} here."
    messages.error(request, f"{text} Save it again to keep yours.")
    return True


def spoken(query: str) -> str:
    """Return a view's query string in readable form."""
    return f'"{unquote_plus(query)}"' if query else "every job"


@require_POST
def remove(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Remove the named view."""
    response = HttpResponseRedirect(back_to(request, request.connection.get_absolute_url()))
    left = without(views_of(preferences.current(request)), request.POST.get("name", ""))
    preferences.remember(request, response, COOKIE, write_views(left))
    return response
