"""The frame around every page: navigation, connections, messages, help, errors, and what the policy forbids."""

import gzip
import json
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.template.loader import get_template, render_to_string
from django.test import Client, override_settings

from batchconsole import urls
from batchconsole.jobs.models import Connection
from batchconsole.setup.paths import ROOT
from batchconsole.url_rights import Audience, page

TEMPLATES = [file for file in (ROOT / "templates").rglob("*.html") if "admin" not in file.parts]
TOPICS = sorted((ROOT / "templates" / "console" / "help").glob("*.html"))
PAGE = {"Accept": "text/html"}
STYLES = sorted((ROOT / "static" / "css").glob("*.css"))


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the secret inside")


handler500 = urls.handler500
urlpatterns = [page("broken/", broken, name="broken", right=Audience.EVERYBODY), *urls.urlpatterns]


def test_pages_are_compressed(client: Client, connection: Connection) -> None:
    page = client.get("/local/jobs/", headers={"Accept-Encoding": "gzip"})
    assert page["Content-Encoding"] == "gzip"
    assert "Batch inference jobs" in gzip.decompress(page.content).decode()


def test_downloads_are_not_compressed(client: Client, connection: Connection) -> None:
    export = client.get("/local/jobs.csv", headers={"Accept-Encoding": "gzip"})
    assert export.streaming
    assert "Content-Encoding" not in export


@pytest.mark.parametrize("page", ["/local/jobs/", "/local/jobs.csv", "/login/", "/nothing/", "/"])
def test_no_answer_is_kept_by_browsers_or_proxies(client: Client, connection: Connection, page: str) -> None:
    assert "no-store" in client.get(page)["Cache-Control"]


def test_home_leads_to_the_overview_of_the_first_connection(client: Client, connection: Connection) -> None:
    assert client.get("/")["Location"] == "/local/"


def test_home_leads_to_the_connection_seen_last(client: Client, connection: Connection, other: Connection) -> None:
    client.get("/production/jobs/")
    assert client.get("/")["Location"] == "/production/"


@pytest.mark.parametrize(
    ("page", "target"),
    [
        ("/local/usage/", "/production/usage/"),
        ("/local/jobs/create/", "/production/"),
        ("/activity/", "/production/"),
    ],
)
def test_the_switch_of_connections_stays_on_the_kind_of_page(
    client: Client, connection: Connection, other: Connection, page: str, target: str
) -> None:
    assert f'<a href="{target}">Production' in client.get(page).text


def test_home_says_what_to_do_without_a_connection(client: Client) -> None:
    assert "Ask an administrator" in client.get("/").text
    User.objects.update(is_staff=True, is_superuser=True)
    assert "/admin/jobs/connection/add/" in client.get("/").text


def test_a_disabled_connection_can_be_read_and_nothing_done_there(client: Client) -> None:
    Connection.objects.create(name="disabled", title="Off", is_enabled=False)
    page = client.get("/disabled/jobs/", headers=PAGE).text
    assert "Off is disabled" in page
    assert "Create job</a>" not in page
    refused = client.get("/disabled/jobs/create/", headers=PAGE)
    assert refused.status_code == 403
    assert "Off is disabled: its pages can be read" in refused.text


def test_an_unknown_connection_is_not_found(client: Client, connection: Connection) -> None:
    response = client.get("/nowhere/jobs/", headers=PAGE)
    assert response.status_code == 404
    assert "Page not found" in response.text
    assert response.text.count('aria-current="page"') == 1  # the breadcrumb: no link leads to such a page
    part = client.get("/nowhere/jobs/", headers={"HX-Request": "true"}).text
    assert "data-refused" in part
    assert "<html" not in part


def test_the_side_navigation_marks_the_page_one_is_on(client: Client, connection: Connection) -> None:
    text = client.get("/local/jobs/").text
    assert re.search(r'href="/local/jobs/"[^>]*aria-current="page"', text)
    assert text.count('aria-current="page"') == 2  # and the last breadcrumb


def test_the_administration_says_whose_it_is(admin_client: Client) -> None:
    assert "<title>Administration | Administration | Batch Console</title>" in admin_client.get("/admin/").text


def test_only_staff_are_offered_the_administration(client: Client, connection: Connection) -> None:
    assert 'href="/admin/"' not in client.get("/local/jobs/").text
    User.objects.update(is_staff=True)
    assert 'href="/admin/"' in client.get("/local/jobs/").text


def test_a_help_topic_is_a_page_and_a_fragment(client: Client) -> None:
    assert "<html" in client.get("/help/job-list/").text
    fragment = client.get("/help/job-list/", headers={"HX-Request": "true"}).text
    assert fragment.startswith("<article>")


def test_an_unknown_help_topic_is_not_found(client: Client) -> None:
    assert client.get("/help/nothing/").status_code == 404


@pytest.mark.parametrize("topic", TOPICS, ids=[topic.stem for topic in TOPICS])
def test_a_help_topic_is_one_heading_some_paragraphs_and_few_links(topic: Path) -> None:
    text = render_to_string(f"console/help/{topic.name}")
    words = re.sub(r"<footer.*</footer>|{%.*?%}|<[^>]+>", " ", text, flags=re.DOTALL).split()
    assert text.count("<h2>") == 1
    assert 40 <= len(words) <= 300
    assert text.count('target="_blank"') <= 3


def test_every_info_link_has_its_topic() -> None:
    used = {topic for file in TEMPLATES for topic in re.findall(r'{% info "([a-z-]+)"', file.read_text())}
    assert used <= {topic.stem for topic in TOPICS}


@override_settings(ROOT_URLCONF=__name__)
def test_an_error_of_ours_shows_no_traceback(client: Client) -> None:
    client.raise_request_exception = False
    response = client.get("/broken/", headers=PAGE)
    assert response.status_code == 500
    assert "Something went wrong" in response.text
    assert "secret" not in response.text


def test_the_content_security_policy_allows_nothing_inline(client: Client, connection: Connection) -> None:
    response = client.get("/local/jobs/")
    assert "unsafe" not in response["Content-Security-Policy"]
    assert "default-src 'self'" in response["Content-Security-Policy"]


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(ROOT / "templates")))
def test_a_template_loads_every_tag_it_uses(file: Path) -> None:
    get_template(str(file.relative_to(ROOT / "templates")))


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(ROOT / "templates")))
def test_a_template_has_no_inline_style_script_or_handler(file: Path) -> None:
    text = file.read_text()
    assert not re.search(r"<style|<script(?![^>]* src=)| style=|\son(?!ly=)[a-z]+=|javascript:", text)


def test_htmx_copies_no_inline_style_to_a_new_element() -> None:
    """A text area that a person has resized has one, and the content security policy blocks its copy."""
    found = re.search(r'name="htmx-config" content=\'(.*)\'>', (ROOT / "templates/base.html").read_text())
    assert found
    assert "style" not in json.loads(found[1])["attributesToSettle"]


@pytest.mark.parametrize("file", STYLES, ids=lambda file: file.name)
def test_a_style_sheet_uses_only_tokens_that_exist(file: Path) -> None:
    defined = {name for sheet in STYLES for name in re.findall(r"(--[\w-]+):", sheet.read_text())}
    used = set(re.findall(r"var\((--[\w-]+)\)", file.read_text()))
    assert used - defined == set()


@pytest.mark.parametrize("file", STYLES, ids=lambda file: file.name)
def test_a_style_sheet_names_its_colours(file: Path) -> None:
    rules = re.sub(r"--[\w-]+:[^;]+;", "", file.read_text())
    assert not re.search(r"#[0-9a-f]{3,8}\b|rgba?\(|hsl", rules)


def test_the_tokens_carry_their_licence() -> None:
    head = (ROOT / "static/css/tokens.css").read_text()[:1000]
    assert "Apache License, Version 2.0" in head
    assert "Amazon.com, Inc. or its affiliates" in head


def test_every_icon_a_template_names_is_drawn() -> None:
    drawn = set(re.findall(r'symbol id="([\w-]+)"', (ROOT / "static/img/icons.svg").read_text()))
    named = {name for file in TEMPLATES for name in re.findall(r'{% icon "([\w-]+)"', file.read_text())}
    assert named <= drawn


def test_dark_changes_only_colours_and_compact_only_sizes() -> None:
    """So that axe need not look at each by itself. `light-dark()` takes only colours."""
    styles = "".join(file.read_text() for file in STYLES)
    rules = re.findall(r"\[data-(mode|density)[^{]*{([^}]*)}", styles)
    changed = {(attribute, name) for attribute, body in rules for name in re.findall(r"([\w-]+):", body)}
    assert "prefers-color-scheme" not in styles
    assert {name for attribute, name in changed if attribute == "mode"} == {"color-scheme"}
    sizes = {name for attribute, name in changed if attribute == "density"}
    assert sizes
    assert [name for name in sizes if not name.startswith(("--size-", "--space-"))] == []
