"""When a session has ended, or a form is older than it: keep the user's entries, and say what to do."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from batchconsole.console.frame import drafts
from batchconsole.console.kit.answers import wants_part

# Tells js/session.js that the page's session has ended; the value is a CSRF token for sending the form as a draft.
FORM_TOKEN = "X-Form-Token"  # noqa: S105 - the name of a header
MOST_READ_BYTES = 4 << 20  # of a form from a client that is not signed in; files are discarded
ENDED = "Your session has ended. Sign in to continue."
ENDED_AND_KEPT = "Your session has ended. Sign in to continue. Your entries are kept."


class SkippingUploadHandler(FileUploadHandler):
    """Discard files; stop reading a large request at its first file."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        if int(self.request.META.get("CONTENT_LENGTH") or 0) > MOST_READ_BYTES:  # type: ignore[union-attr] # Django passes it
            raise StopUpload(connection_reset=True)
        raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        return None

    def file_complete(self, file_size: int) -> None:
        return None


class SignInMiddleware(LoginRequiredMiddleware):
    """Redirect users who are not signed in to the sign-in page, which leads back to their page."""

    def handle_no_permission(  # type: ignore[override] # a script gets no redirect
        self, request: HttpRequest, view_func: Callable[..., Any]
    ) -> HttpResponseBase:
        if wants_part(request):
            return answer_script(request, status=401)
        is_kept = keep_posted(request)
        if is_kept or settings.SESSION_COOKIE_NAME in request.COOKIES:
            messages.warning(request, ENDED_AND_KEPT if is_kept else ENDED)
        login_url, field = self.get_login_url(view_func), self.get_redirect_field_name(view_func)
        return redirect_to_login(return_url(request, is_kept=is_kept), login_url, field)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Discard the draft of a posted form when the response is a redirect: the form was accepted."""
        if request.method == "POST" and response.status_code == 302 and request.user.is_authenticated:
            drafts.discard(request)
        return response


def answer_script(request: HttpRequest, *, status: int) -> HttpResponse:
    words = "Your session has ended. Sign in again.\n" if status == 401 else "This page is out of date. Reload it.\n"
    response = HttpResponse(words, status=status, content_type="text/plain")
    response[FORM_TOKEN] = get_token(request)
    return response


def keep_posted(request: HttpRequest) -> bool:
    """Keep the posted data as a draft if a form of this console with drafts sent it; return whether it was kept."""
    if request.method != "POST" or not drafts.page_of(request.path) or not is_from_here(request):
        return False
    if not hasattr(request, "_files"):  # the body has not been parsed yet
        request.upload_handlers = [SkippingUploadHandler(request)]
    try:
        return drafts.keep(request, request.path, request.POST)
    except (SuspiciousOperation, MultiPartParserError):
        return False


def is_from_here(request: HttpRequest) -> bool:
    """Whether a page of this console sent the request, because another site must not fill in a user's forms."""
    parts = urlsplit(request.headers.get("Origin") or request.headers.get("Referer", ""))
    own = f"{request.scheme}://{request.get_host()}"
    return f"{parts.scheme}://{parts.netloc}" in {own, *settings.CSRF_TRUSTED_ORIGINS}


def return_url(request: HttpRequest, *, is_kept: bool) -> str:
    """Return where to continue: the form with its draft, the requested page, or the page with the pressed button."""
    if is_kept:
        return drafts.url_of(form_url(request, request.get_full_path()))
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    came_from = urlsplit(request.headers.get("Referer", ""))
    if not is_from_here(request) or not came_from.path:
        return "/"
    return came_from._replace(scheme="", netloc="").geturl()


def form_url(request: HttpRequest, url: str) -> str:
    """Return the URL of the page with the form that posts to *url*: *url* itself, or the page that sent the request."""
    path = url.partition("?")[0]
    page, came_from = drafts.page_of(path), urlsplit(request.headers.get("Referer", ""))
    if page == path:
        return url
    return came_from._replace(scheme="", netloc="", fragment="").geturl() if came_from.path == page else page


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose CSRF token is not this session's, most often because of a sign-in in another tab."""
    if wants_part(request):
        return answer_script(request, status=403)
    is_kept = keep_posted(request)
    context = {"is_kept": is_kept, "back": return_url(request, is_kept=is_kept), "reason": reason}
    return render(request, "403_csrf.html", context, status=403)


@require_POST
def keep_draft(request: HttpRequest) -> JsonResponse:
    """Keep the form that a page's script sends after the session has ended; return the URL to go to as JSON."""
    url = request.POST.get("draft_path", "")
    if not (url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)):
        url = "/"
    is_kept = len(request.POST) > 1 and drafts.keep(request, url.partition("?")[0], request.POST)
    url = drafts.url_of(form_url(request, url)) if is_kept else url
    if request.user.is_authenticated:
        return JsonResponse({"url": url})
    messages.warning(request, ENDED_AND_KEPT if is_kept else ENDED)
    return JsonResponse({"url": redirect_to_login(url).url})
