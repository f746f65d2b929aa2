"""An administrator's actions on a user's account: invite, sign out, deactivate, activate, remove second factors."""

from allauth.account.adapter import get_adapter
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db import transaction
from django.http import HttpRequest
from django.template.loader import render_to_string

from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Event, Verb
from batchconsole.jobs.rights.api_keys import revoke_all_keys


def invitation(request: HttpRequest, person: User) -> str:
    """Return a single-use link with which *person* sets a password. Raises UserError if the account is deactivated."""
    if not person.is_active:
        raise UserError(f"The account of {person} is deactivated.", hint="Activate it first.")
    key = f"{user_pk_to_url_str(person)}-{default_token_generator.make_token(person)}"
    _record(request, Verb.INVITED, person)
    return str(get_adapter(request).get_reset_password_from_key_url(key))


def send_invitation(request: HttpRequest, person: User) -> None:
    """Mail *person* an invitation link.

    Raises UserError if mail is not set up, the user has no address or is deactivated, or the mail cannot be sent.
    """
    if not settings.EMAIL_HOST:
        raise UserError("No mail is set up.", hint="Set BATCHCONSOLE_EMAIL_HOST, or pass an invite link on yourself.")
    if not person.email:
        raise UserError(f"{person} has no e-mail address.", hint="Enter one first.")
    words = {"person": person, "url": invitation(request, person), "host": request.get_host(), "days": link_days()}
    subject = f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}Your account"
    try:
        send_mail(subject, render_to_string("admin/invitation.txt", words), None, [person.email])
    except OSError as error:
        raise UserError(f"The mail could not be sent: {error}.", hint="Pass an invite link on yourself.") from error


def link_days() -> int:
    """Return the number of days that an invitation link works."""
    return int(settings.PASSWORD_RESET_TIMEOUT // (24 * 3600))


def end_sessions(request: HttpRequest, person: User) -> int:
    """Sign *person* out everywhere and return the number of sessions ended."""
    sessions = list(UserSession.objects.filter(user=person))
    with transaction.atomic():
        for session in sessions:
            session.end()
        if sessions:
            _record(request, Verb.SESSIONS_ENDED, person)
    return len(sessions)


def deactivate(request: HttpRequest, person: User, actor: User) -> None:
    """Deactivate *person*, end their sessions and revoke their keys; only the deactivation can be undone."""
    with transaction.atomic():
        person.is_active = False
        person.save(update_fields=["is_active"])
        end_sessions(request, person)
        revoke_all_keys(person, actor)


def activate(person: User) -> None:
    person.is_active = True
    person.save(update_fields=["is_active"])


def remove_factors(request: HttpRequest, person: User) -> int:
    """Remove all second factors of *person*, who has lost them, and return their number."""
    with transaction.atomic():
        count = int(Authenticator.objects.filter(user=person).delete()[0])
        if count:
            _record(request, Verb.FACTOR_REMOVED, person)
    return count


def _record(request: HttpRequest, verb: Verb, person: User) -> None:
    actor = request.user if isinstance(request.user, User) else None
    Event.objects.create(actor=actor, verb=verb, target=f"user {person}"[:255])
