"""One attempt to send one notice to one channel. It returns, or raises the reason for the failure; no retries here."""

import http
import smtplib
from collections.abc import Callable
from datetime import timedelta

import urllib3
from django.conf import settings
from django.core.mail import BadHeaderError, EmailMessage
from django.utils import timezone
from standardwebhooks import Webhook

from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Notice, NotificationChannel
from batchconsole.jobs.notifications import chat, messages, outgoing
from batchconsole.jobs.notifications.sealing import signing_secrets, unseal

Kind = NotificationChannel.Kind
TOTAL_SECONDS, MAIL_SECONDS = 15, 60
TIMES = urllib3.Timeout(connect=4, read=10)
MOST_READ_BYTES = 2048  # of a response body, which nobody needs
# ValueError: an invalid host name, or a mail that Django refuses to send.
TROUBLE = (OSError, ValueError, urllib3.exceptions.HTTPError, smtplib.SMTPException, chat.Refused)
LONGEST_PAUSE = timedelta(hours=10)


class SendingFailed(Exception):
    """The message did not arrive, as far as is known. If ``is_final``, only a person can help."""

    def __init__(self, message: str, *, is_final: bool = False, pause: timedelta = timedelta()) -> None:
        super().__init__(message)
        self.message = message
        self.is_final = is_final
        self.pause = pause  # pause that the receiver requests


def send(channel: NotificationChannel, notice: Notice) -> str:
    """Send *notice* to *channel* and return the receiver's reply in words. Raises :class:`SendingFailed`."""
    is_mail = channel.kind == Kind.EMAIL
    # The mail server is the operator's own; addresses that users enter must be public.
    with outgoing.gate(seconds=MAIL_SECONDS if is_mail else TOTAL_SECONDS, any_address=is_mail) as gate:
        try:
            return SENDERS[Kind(channel.kind)](channel, notice)
        except UserError as error:
            raise SendingFailed(f"{error.message} {error.hint}".strip(), is_final=True) from error
        except TROUBLE as error:
            raise _explain(error, gate) from error


def _explain(error: Exception, gate: outgoing.Gate) -> SendingFailed:
    if gate.refused:
        return SendingFailed(
            f"The address leads to {gate.refused}, which is not public, so nothing was sent. An operator can allow its "
            "network with BATCHCONSOLE_NOTIFICATION_NETWORKS.",
            is_final=True,
        )
    if gate.is_over:
        return SendingFailed("The receiver did not answer in time, or sent more than an answer.")
    return SendingFailed(_words(error))


def _words(error: Exception) -> str:
    """Describe the error without the address, which may contain a secret."""
    if isinstance(error, chat.Refused):
        return str(error)[:300]
    if isinstance(error, smtplib.SMTPResponseException):
        return f"The mail server answered {error.smtp_code}."
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "The mail server does not take mail for this address."
    if isinstance(error, urllib3.exceptions.SSLError):
        return "The receiver's certificate is not valid for this address."
    if isinstance(error, BadHeaderError):
        return "The address cannot be written into a mail."
    if isinstance(error, (urllib3.exceptions.NameResolutionError, ValueError)):
        return "The host name of the address cannot be found."
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "The receiver did not answer in time."
    return f"No connection: {type(error).__name__}."


def _send_mail(channel: NotificationChannel, notice: Notice) -> str:
    """Send a mail. Its Message-ID is the notice's id, so that mailboxes can detect duplicates.

    Django refuses line breaks in headers; none of the message's parts contains any.
    """
    address = mail_address(channel)
    text = messages.as_text(notice)
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">") or "localhost"
    headers = {"Message-ID": f"<{notice.uid}@{host}>", "Auto-Submitted": "auto-generated"}
    EmailMessage(f"[Batch Console] {text.title}", text.body, to=[address], headers=headers).send()
    return "The mail server took it."


def mail_address(channel: NotificationChannel) -> str:
    """Return the mail address of *channel*: the one entered, or the account's. Raises UserError."""
    if not settings.EMAIL_HOST:
        raise UserError("This console doesn't send email.", hint="An operator can set BATCHCONSOLE_EMAIL_HOST.")
    address = unseal(channel.sealed_address) if channel.sealed_address else channel.user and channel.user.email
    if not address:
        raise UserError("The account has no mail address.", hint="An administrator can enter one.")
    return str(address)


def _send_chat(channel: NotificationChannel, notice: Notice) -> str:
    text = messages.as_text(notice)
    chat.send_chat(unseal(channel.sealed_address), title=text.title, body=text.body)
    return "The service took it."


def _send_webhook(channel: NotificationChannel, notice: Notice) -> str:
    """POST the message, signed as Standard Webhooks specifies; redirects are not followed."""
    body = messages.as_json(notice)
    headers = signed_headers(channel, uid=notice.uid, body=body)
    url = unseal(channel.sealed_address)
    with urllib3.PoolManager(timeout=TIMES, retries=False, cert_reqs="CERT_REQUIRED") as pool:
        answer = pool.request("POST", url, body=body.encode(), headers=headers, redirect=False, preload_content=False)
        answer.read(MOST_READ_BYTES, decode_content=False)
        answer.close()
    return _judge(answer.status, answer.headers.get("Retry-After", ""))


def signed_headers(channel: NotificationChannel, *, uid: str, body: str) -> dict[str, str]:
    """Return the headers of a webhook: id, time in Unix seconds, and one signature for each valid secret."""
    now = timezone.now()
    signatures = [Webhook(secret).sign(uid, now, body) for secret in signing_secrets(channel, now)]
    return {
        "Content-Type": "application/json",
        "User-Agent": "BatchConsole-Webhooks/1",
        "webhook-id": uid,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _judge(status: int, retry_after: str) -> str:
    """Describe a 2xx response, or raise SendingFailed: 410 is final, everything else is retried."""
    if status // 100 == 2:
        return f"The receiver answered {_status(status)}."
    if status // 100 == 3:
        raise SendingFailed(
            f"The receiver answered {_status(status)}. Redirects are not followed: enter the address it leads to."
        )
    if status == http.HTTPStatus.GONE:
        raise SendingFailed("The receiver answered 410 Gone: it wants no more messages.", is_final=True)
    raise SendingFailed(f"The receiver answered {_status(status)}.", pause=_pause(retry_after))


def _pause(retry_after: str) -> timedelta:
    """Read a Retry-After header, seconds or an HTTP date (RFC 9110, section 10.2.3); zero for anything else."""
    try:
        return min(timedelta(seconds=urllib3.Retry().parse_retry_after(retry_after)), LONGEST_PAUSE)
    except (urllib3.exceptions.InvalidHeader, ValueError):
        return timedelta()


def _status(status: int) -> str:
    try:
        return f"{status} {http.HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


SENDERS: dict[NotificationChannel.Kind, Callable[[NotificationChannel, Notice], str]] = {
    Kind.EMAIL: _send_mail,
    Kind.CHAT: _send_chat,
    Kind.WEBHOOK: _send_webhook,
}
