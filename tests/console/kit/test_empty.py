"""Empty pages teach: each says what it is for, and leads to the one next step."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.console.conftest import MakeJob

PAGES = {
    "/local/": ("Jobs appear here with their progress", "/local/jobs/create/"),
    "/local/jobs/": ("A job runs a model over a file of prompts.", "/local/jobs/create/"),
    "/local/jobs/?q=nothing": ("We can&#x27;t find a match.", "/local/jobs/"),
    "/local/job-templates/": ("A template keeps the model, locations", "/local/jobs/create/"),
    "/local/bulk-actions/": ("An action on many jobs at once", "/local/jobs/"),
    "/local/usage/": ("No jobs of this connection ended in this period.", "?range=12m"),
    "/account/notifications/": ("A channel notifies you by email", "/account/notifications/create/"),
    "/account/notifications/deliveries/": ("Each notification is listed here", "/account/notifications/"),
    "/account/keys/": ("With a key, a program creates and follows jobs", "/account/keys/create/"),
    "/activity/": ("Actions of users, programs, and the console are recorded here", 'href="/"'),
}
TABS = {
    "results": ("when the job has ended", "/account/notifications/"),
    "errors": ("Record errors are listed here by message", "?tab=results"),
    "tags": ("Tags help to find jobs", "/tags/"),
}


@pytest.mark.parametrize("url", PAGES)
def test_an_empty_page_says_what_it_is_for_and_leads_on(url: str, client: Client, make_job: MakeJob) -> None:
    if "?" in url:
        make_job()
    text = client.get(url).text
    for part in PAGES[url]:
        assert part in text or part.replace("&#x27;", "'") in text


@pytest.mark.parametrize("tab", TABS)
def test_an_empty_tab_of_a_job_does_so_too(tab: str, client: Client, make_job: MakeJob) -> None:
    text = client.get(make_job(status="InProgress").get_absolute_url(), {"tab": tab}).text
    for part in TABS[tab]:
        assert part in text


def test_whoever_may_add_a_budget_is_told_what_it_does(client: Client, make_job: MakeJob, person: User) -> None:
    assert "No budget." not in client.get("/local/usage/").text
    User.objects.filter(pk=person.pk).update(is_superuser=True, is_staff=True)
    assert "/admin/jobs/budget/add/" in client.get("/local/usage/").text
