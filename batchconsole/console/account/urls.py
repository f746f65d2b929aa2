"""Addresses of signing in and of one's own account. The names are allauth's where allauth looks for them."""

from allauth.account import views as account
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, path, re_path

from batchconsole.console.account import passwords, sign_in, views

logout = LogoutView.as_view()

urlpatterns: list[URLPattern] = [
    path("login/", sign_in.login, name="login"),
    path("login/", sign_in.login, name="account_login"),
    path("logout/", logout, name="logout"),
    path("logout/", logout, name="account_logout"),
    path("account/", views.index, name="account"),
    path("account/inactive/", account.account_inactive, name="account_inactive"),
    path("account/confirm/", account.reauthenticate, name="account_reauthenticate"),
    path("account/password/", account.password_change, name="account_change_password"),
    path("account/password/set/", account.password_set, name="account_set_password"),
    path("account/password/reset/", passwords.ResetView.as_view(), name="account_reset_password"),
    path("account/password/reset/sent/", account.password_reset_done, name="account_reset_password_done"),
    path("account/password/reset/link/", passwords.open_link, name="password-reset-link"),
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
