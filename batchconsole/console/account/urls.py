"""Addresses of signing in and of one's own account. The names are allauth's where allauth looks for them."""

from allauth.account import views as account
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, path, re_path

from batchconsole.console.account import passwords, sign_in, views
from batchconsole.url_rights import Audience, declare, page

logout = LogoutView.as_view()

_SIGNED_IN: list[URLPattern] = [
    path("logout/", logout, name="logout"),
    path("logout/", logout, name="account_logout"),
    path("account/", views.index, name="account"),
    path("account/inactive/", account.account_inactive, name="account_inactive"),
    path("account/confirm/", account.reauthenticate, name="account_reauthenticate"),
    path("account/password/", account.password_change, name="account_change_password"),
    path("account/password/set/", account.password_set, name="account_set_password"),
    path("account/password/reset/", passwords.ResetView.as_view(), name="account_reset_password"),
    path("account/password/reset/sent/", account.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^account/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[\w-]+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "account/password/reset/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
]
# Of what allauth made it says itself what is open to everybody, such as a password's reset.
urlpatterns: list[URLPattern | URLResolver] = [
    page("login/", sign_in.login, name="login", right=Audience.EVERYBODY),
    page("login/", sign_in.login, name="account_login", right=Audience.EVERYBODY),
    page("account/password/reset/link/", passwords.open_link, name="password-reset-link", right=Audience.EVERYBODY),
    *declare(_SIGNED_IN, Audience.SIGNED_IN),
]
