"""A passkey, from adding it to signing in with it, by the authenticator that Chromium brings for tests."""

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def plug_in(page: Page) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})


def test_a_passkey_signs_in_without_a_password(open_page: Open, person: User) -> None:
    page = open_page("/healthz", signed_in=False)
    plug_in(page)
    page.goto("/login/")
    page.set_default_timeout(8000)
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("correct horse battery staple")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/")
    page.goto("/account/factors/")
    page.get_by_role("link", name="Add a key").click()
    page.get_by_label("Name").fill("This laptop")
    page.get_by_label("Sign in with this key alone").check()
    page.get_by_role("button", name="Add the key").click()
    page.wait_for_url("**/codes/**")
    page.context.clear_cookies()
    page.goto("/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_label("User menu").wait_for()
    expect(page.get_by_label("User menu")).to_contain_text("ada")


def test_at_an_ip_address_the_page_says_that_keys_need_a_name(open_page: Open) -> None:
    page = open_page("/login/", signed_in=False)
    page.goto(page.url.replace("localhost", "127.0.0.1"))
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("and not an IP address")
