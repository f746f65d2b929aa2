"""Signing in in a real browser: by a link, and by a password when the session ends while somebody fills in a form."""

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect
from sesame.utils import get_query_string

from batchconsole.jobs.models import Connection
from tests.browser.conftest import Open


def sign_in(page: Page) -> None:
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("correct horse battery staple")
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_script_that_meets_the_end_of_the_session_takes_the_form_along(
    open_page: Open, connection: Connection
) -> None:
    page = open_page("/local/jobs/create/")
    page.wait_for_load_state("networkidle")  # the lists that come after the page would meet the end first
    page.locator("#id_job_name").fill("after-lunch")
    Session.objects.all().delete()
    page.locator("#id_job_name").press("Tab")  # the server judges the field
    expect(page.get_by_role("alert")).to_contain_text("Your session has ended")
    sign_in(page)
    expect(page.locator("#id_job_name")).to_have_value("after-lunch")
    expect(page.get_by_text("Your entries were restored")).to_be_visible()


def test_without_script_a_form_outlives_its_session(open_page: Open, connection: Connection) -> None:
    page = open_page("/local/jobs/create/", java_script_enabled=False)
    page.locator("#id_job_name").fill("after-lunch")
    Session.objects.all().delete()
    page.get_by_role("button", name="Create batch inference job").click()
    expect(page.get_by_role("alert")).to_contain_text("Your entries are kept")
    sign_in(page)
    expect(page.locator("#id_job_name")).to_have_value("after-lunch")


def test_the_button_of_a_sign_in_link_signs_in(open_page: Open, connection: Connection, person: User) -> None:
    page = open_page(f"/login/{get_query_string(person)}", signed_in=False)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_title("Overview | Batch Console")
