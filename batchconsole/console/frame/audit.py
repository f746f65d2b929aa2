"""What requests add to the audit trail: their origin, sign-ins, downloads, and changes that nothing else records.

Verbs of the domain record their own events, in the transaction of the change. If a request made no event but changed
something or sent a file, it is recorded here.
"""

from collections.abc import Callable
from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.signals import password_changed, password_reset, password_set
from allauth.mfa.signals import authentication_failed, authenticator_added, authenticator_removed
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404

from batchconsole import log_context
from batchconsole.jobs import origin
from batchconsole.jobs.audit import count_record_view
from batchconsole.jobs.models import BatchJob, Event, Verb

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# Not recorded: steps of something that is recorded as a whole, and requests that change no data.
UNTOLD = frozenset(
    {"login", "account_login", "logout", "account_logout", "draft-keep", "s3-upload-start", "s3-upload-part"}
)
WAYS = {"socialaccount": "provider", "mfa": "second factor"}


class AuditMiddleware:
    """Give the events of a request its address, session and user, and record requests that made no event."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        here = origin.Origin(address=request.META.get("REMOTE_ADDR") or None)
        here.session = origin.name_session(request.session.session_key)
        with origin.coming_from(here):
            response = self.get_response(request)
            if not here.events and here.actor and request.resolver_match:
                record_rest(request, response, here.actor)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        here = origin.current()
        if here and isinstance(request.user, User):
            here.actor = request.user
            log_context.note(person=request.user.get_username(), job_id=named_job(request))


def record_rest(request: HttpRequest, response: HttpResponseBase, actor: User) -> None:
    """Record *request* if it was a download or a change; if it showed a record of a job, count the view."""
    name = request.resolver_match.view_name if request.resolver_match else ""
    if name == "job-record" and response.status_code == 200:
        count_record_view(get_object_or_404(BatchJob, pk=job_key(request)), actor)
    elif response.status_code == 200 and response.get("Content-Disposition", "").startswith("attachment"):
        record(request, Verb.DOWNLOADED, actor)
    elif request.method not in SAFE and is_done(response) and name not in UNTOLD:
        record(request, Verb.REQUESTED, actor)


def is_done(response: HttpResponseBase) -> bool:
    """Whether a form was accepted: a form with errors is shown again, with status 200 and without a redirect."""
    return response.status_code in {201, 204, 302, 303} or "HX-Redirect" in response.headers


def record(request: HttpRequest, verb: Verb, actor: User) -> None:
    Event.objects.create(
        connection=getattr(request, "connection", None),
        job_id=job_key(request),
        actor=actor,
        verb=verb,
        target=request.path[:255],
    )


def job_key(request: HttpRequest) -> int | None:
    """Return the key of the job that the request's URL names, or None if there is no such job."""
    pk = named_job(request)
    return pk if pk and BatchJob.objects.filter(pk=pk).exists() else None


def named_job(request: HttpRequest) -> int | None:
    """Return the key in the URL of a page of a job, whether or not there is such a job."""
    match = request.resolver_match
    is_of_job = match is not None and match.view_name.startswith("job-") and "pk" in match.kwargs
    return match.kwargs["pk"] if match and is_of_job else None


@receiver(user_logged_in, dispatch_uid="console.audit")
def _signed_in(sender: object, request: HttpRequest, user: User, **_: object) -> None:
    here = origin.current()
    if here is None:
        return  # no request: a test or a command made the session
    here.session = origin.name_session(request.session.session_key)
    Event.objects.create(actor=user, verb=Verb.SIGNED_IN, data={"by": way_in(request)})


def way_in(request: HttpRequest) -> str:
    """Return how the user has just signed in: link, provider, second factor or password."""
    backend = str(request.session.get(BACKEND_SESSION_KEY, "")).partition(".")[0]
    steps = request.session.get(AUTHENTICATION_METHODS_SESSION_KEY) or [{}]
    return "link" if backend == "sesame" else WAYS.get(str(steps[-1].get("method", "")), "password")


@receiver(user_logged_out, dispatch_uid="console.audit")
def _signed_out(sender: object, request: HttpRequest, user: User | None, **_: object) -> None:
    if user is not None:
        Event.objects.create(actor=user, verb=Verb.SIGNED_OUT)


def record_failure(name: str, *, by: str) -> None:
    """Record a failed sign-in with the user name *name*, whether or not there is such an account."""
    Event.objects.create(verb=Verb.SIGN_IN_FAILED, target=name[:150], data={"by": by})


@receiver(authentication_failed, dispatch_uid="console.audit")
def _factor_failed(sender: object, user: User, **_: object) -> None:
    record_failure(user.get_username(), by="second factor")


@receiver((password_changed, password_set, password_reset), dispatch_uid="console.audit")
def _password_changed(sender: object, user: User, **_: object) -> None:
    Event.objects.create(actor=user, verb=Verb.PASSWORD_CHANGED)


@receiver(authenticator_added, dispatch_uid="console.audit.added")
def _factor_added(sender: object, user: User, authenticator: Any, **_: object) -> None:
    Event.objects.create(actor=user, verb=Verb.FACTOR_ADDED, data={"factor": str(authenticator.type)})


@receiver(authenticator_removed, dispatch_uid="console.audit.removed")
def _factor_removed(sender: object, user: User, authenticator: Any, **_: object) -> None:
    Event.objects.create(actor=user, verb=Verb.FACTOR_REMOVED, data={"factor": str(authenticator.type)})
