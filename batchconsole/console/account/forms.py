"""The forms for signing in and for passwords: allauth's rules in the console's look."""

from typing import Any, ClassVar

from allauth.account import forms as allauth_forms
from crispy_forms.layout import Layout
from django.conf import settings
from django.forms import Field as FormField

from batchconsole.console.kit.layout import Container, Field, FormActions
from batchconsole.console.kit.page_form import PageForm, Part

PASSWORD_RULE = f"At least {settings.PASSWORD_LENGTH} characters, no common password, and not like your name."


class EntranceActions(FormActions):
    """The errors and the only button of a form on a page shown before signing in."""

    template = "%s/layout/entrance_actions.html"

    def __init__(self, submit: str) -> None:
        super().__init__(submit, cancel_url="")


class AccountForm(PageForm):
    """A form with one field below the other.

    Attributes
    ----------
    submit
        The label of the button.
    labels, constraints
        The label of each field and the text below it, by field name.
    title
        The heading of the box on a page for signed-in users; empty on a page shown before signing in.
    cancel_url
        The URL of the Cancel link.
    """

    submit: ClassVar[str]
    labels: ClassVar[dict[str, str]] = {}
    constraints: ClassVar[dict[str, str]] = {}
    title: ClassVar[str] = ""
    cancel_url: ClassVar[str] = "/account/"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            self.name_field(name, field)
        shown = [Field(name, constraint=self.constraints.get(name, "")) for name in self.fields]
        self.helper.layout = Layout(*self.arrange(shown))
        self.focus(next((self[name].html_name for name in self.fields if not self[name].is_hidden), ""))

    def arrange(self, shown: list[Field]) -> list[Part]:
        if not self.title:
            return [*shown, EntranceActions(self.submit)]
        return [Container(self.title, *shown), FormActions(self.submit, cancel_url=self.cancel_url)]

    def name_field(self, name: str, field: FormField) -> None:
        field.label = self.labels.get(name, field.label)
        field.help_text = ""
        field.widget.attrs.pop("placeholder", None)
        field.error_messages["required"] = f"{field.label} is required."


class LoginForm(AccountForm, allauth_forms.LoginForm):  # type: ignore[misc] # allauth ships no types
    """User name and password; the user name is posted as ``username``."""

    submit = "Sign in"
    labels: ClassVar = {"login": "User name", "password": "Password"}

    def add_prefix(self, field_name: str) -> str:
        return "username" if field_name == "login" else field_name

    def name_field(self, name: str, field: FormField) -> None:
        super().name_field(name, field)
        if name == "login":
            field.widget.attrs |= {"autocomplete": "username", "autocapitalize": "none"}

    @property
    def is_locked_out(self) -> bool:
        """Whether there were too many wrong passwords, so that this one was not checked."""
        return any(error.code == "too_many_login_attempts" for error in self.non_field_errors().as_data())


class ReauthenticateForm(AccountForm, allauth_forms.ReauthenticateForm):  # type: ignore[misc] # as above
    submit = "Continue"


class ChangePasswordForm(AccountForm, allauth_forms.ChangePasswordForm):  # type: ignore[misc] # as above
    submit, title = "Change password", "Password"
    labels: ClassVar = {
        "oldpassword": "Present password",
        "password1": "New password",
        "password2": "New password again",
    }
    constraints: ClassVar = {"password1": PASSWORD_RULE}


class SetPasswordForm(AccountForm, allauth_forms.SetPasswordForm):  # type: ignore[misc] # as above
    submit, title = "Set password", "Password"
    labels: ClassVar = {"password1": "Password", "password2": "Password again"}
    constraints: ClassVar = {"password1": PASSWORD_RULE}


class ResetPasswordForm(AccountForm, allauth_forms.ResetPasswordForm):  # type: ignore[misc] # as above
    submit = "Send the link"
    labels: ClassVar = {"email": "E-mail address"}


class ResetPasswordKeyForm(AccountForm, allauth_forms.ResetPasswordKeyForm):  # type: ignore[misc] # as above
    submit = "Set password"
    labels: ClassVar = {"password1": "New password", "password2": "New password again"}
    constraints: ClassVar = {"password1": PASSWORD_RULE}
