"""The forms for second factors: allauth's rules in the console's look."""

from typing import ClassVar

from allauth.mfa.base import forms as base
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn

from batchconsole.console.account.forms import AccountForm

FACTORS_URL = "/account/factors/"
CODE = {"code": "Code"}


class AuthenticateForm(AccountForm, base.AuthenticateForm):  # type: ignore[misc] # allauth ships no types
    submit, labels = "Sign in", CODE
    constraints: ClassVar = {"code": "Six digits of the authenticator app, or a recovery code."}


class ReauthenticateForm(AccountForm, base.ReauthenticateForm):  # type: ignore[misc] # as above
    submit, labels, constraints = "Continue", CODE, AuthenticateForm.constraints


class ActivateTotpForm(AccountForm, totp.ActivateTOTPForm):  # type: ignore[misc] # as above
    submit, title, cancel_url = "Add the app", "The app's code", FACTORS_URL
    labels, constraints = CODE, {"code": "The six digits that the app shows now."}


class AddKeyForm(AccountForm, webauthn.AddWebAuthnForm):  # type: ignore[misc] # as above
    submit, title, cancel_url = "Add the key", "Key", FACTORS_URL
    labels: ClassVar = {"name": "Name", "passwordless": "Sign in with this key alone"}
    constraints: ClassVar = {"passwordless": "A passkey: a fingerprint, a face or a PIN instead of a password."}


class RenameKeyForm(AccountForm, webauthn.EditWebAuthnForm):  # type: ignore[misc] # as above
    submit, title, cancel_url = "Save", "Key", FACTORS_URL
    labels: ClassVar = {"name": "Name"}
