"""URLs for signing in and for the user's own account. Where allauth looks URLs up, they have the names it expects."""

from allauth.account import views as account
from allauth.mfa.base import views as factors
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from allauth.socialaccount import views as social
from allauth.usersessions import views as sessions
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, path, re_path

from batchconsole.console.account import api_keys, passwords, provider, sign_in, views
from batchconsole.url_rights import Audience, declare, page

logout = LogoutView.as_view()

_SIGNED_IN: list[URLPattern] = [
    path("logout/", logout, name="logout"),
    path("logout/", logout, name="account_logout"),
    path("account/", views.index, name="account"),
    path("account/inactive/", account.account_inactive, name="account_inactive"),
    path("account/factors/", factors.index, name="mfa_index"),
    path("account/factors/", factors.index, name="mfa_list_webauthn"),
    path("account/factors/sign-in/", factors.authenticate, name="mfa_authenticate"),
    path("account/factors/confirm/", factors.reauthenticate, name="mfa_reauthenticate"),
    path("account/factors/app/", totp.activate_totp, name="mfa_activate_totp"),
    path("account/factors/app/remove/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("account/factors/codes/", recovery_codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("account/factors/codes/new/", recovery_codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("account/factors/codes/download/", recovery_codes.download_recovery_codes, name="mfa_download_recovery_codes"),
    path("account/factors/keys/add/", webauthn.add_webauthn, name="mfa_add_webauthn"),
    path("account/factors/keys/confirm/", webauthn.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("account/factors/keys/<int:pk>/remove/", webauthn.remove_webauthn, name="mfa_remove_webauthn"),
    path("account/factors/keys/<int:pk>/", webauthn.edit_webauthn, name="mfa_edit_webauthn"),
    path("account/keys/", api_keys.index, name="api-keys"),
    path("account/keys/create/", api_keys.create, name="api-key-create"),
    path("account/keys/<int:pk>/revoke/", api_keys.revoke, name="api-key-revoke"),
    path("account/sessions/", sessions.list_usersessions, name="usersessions_list"),
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
# declare() leaves those of allauth's views open to everybody that allauth exempts from sign-in, e.g. password reset.
urlpatterns: list[URLPattern | URLResolver] = [
    page("login/", sign_in.login, name="login", right=Audience.EVERYBODY),
    page("login/", sign_in.login, name="account_login", right=Audience.EVERYBODY),
    page("account/password/reset/link/", passwords.open_link, name="password-reset-link", right=Audience.EVERYBODY),
    page("account/passkey/", webauthn.login_webauthn, name="mfa_login_webauthn", right=Audience.EVERYBODY),
    page("account/<slug:provider_id>/login/", provider.login, name="openid_connect_login", right=Audience.EVERYBODY),
    page(
        "account/<slug:provider_id>/callback/",
        provider.callback,
        name="openid_connect_callback",
        right=Audience.EVERYBODY,
    ),
    page("account/openid/error/", social.login_error, name="socialaccount_login_error", right=Audience.EVERYBODY),
    page(
        "account/openid/cancelled/",
        social.login_cancelled,
        name="socialaccount_login_cancelled",
        right=Audience.EVERYBODY,
    ),
    *declare(_SIGNED_IN, Audience.SIGNED_IN),
]
