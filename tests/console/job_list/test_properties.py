"""The property filter: what is a token, what it finds, and that nothing else is taken for one."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from batchconsole.jobs.finding.properties import matching, read_token, read_tokens
from batchconsole.jobs.models import BatchJob
from tests.console.conftest import MakeJob, arn
from tests.console.job_list.test_jobs import names

URL = "/local/jobs/"
DAY = datetime(2026, 4, 12, 10, 0, tzinfo=UTC)


@pytest.fixture
def jobs(make_job: MakeJob) -> None:
    make_job(
        "alpha",
        "Failed",
        tags=[{"key": "team", "value": "nlp"}],
        created_at=DAY,
        error_record_count=3,
        cost_usd="1.5",
        lane="on_demand",
    )
    make_job(
        "beta",
        "InProgress",
        model_id="us.anthropic.claude-3-haiku-20240307-v1:0",
        model_invocation_type="InvokeModel",
        tags=[{"key": "équipe", "value": 'a "b" é'}],
        created_at=DAY.replace(day=13),
        end_time=DAY.replace(day=13),
        created_by=User.objects.create_user("bob"),
        cost_usd="2000",
        submit_time=DAY,
    )
    make_job(
        "gamma",
        "Completed",
        created_by=None,
        origin="imported",
        created_at=DAY.replace(day=14),
        submit_time=DAY.replace(day=14) - timedelta(hours=1, minutes=12, seconds=8),
        end_time=DAY.replace(day=14),
        job_arn=arn(),
    )


def found(*texts: str, any_of: bool = False) -> list[str]:
    jobs = matching(BatchJob.objects.all(), read_tokens(texts), any_of=any_of)
    return list(jobs.order_by("job_name").values_list("job_name", flat=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Job name = ALPHA", ["alpha"]),
        ("Job name != alpha", ["beta", "gamma"]),
        ("name:a", ["alpha", "beta", "gamma"]),
        ("name!:lph", ["beta", "gamma"]),
        ("name^gam", ["gamma"]),
        ("Status = Failed", ["alpha"]),
        ("Status = In progress", ["beta"]),
        ("status=InProgress", ["beta"]),
        ("status != failed", ["beta", "gamma"]),
        ("Model : haiku", ["beta"]),
        ("Model = Claude 3 Haiku", ["beta"]),
        ("Model ^ nova", ["alpha", "gamma"]),
        ("Invocation type = invokemodel", ["beta"]),
        ("Tag = team", ["alpha"]),
        ("Tag = team=nlp", ["alpha"]),
        ("Tag = team=other", []),
        ("Tag != team", ["beta", "gamma"]),
        ('Tag = équipe=a "b" é', ["beta"]),
        ("Created by = bob", ["beta"]),
        ("Created by = -", ["gamma"]),
        ("Origin = created elsewhere", ["gamma"]),
        ("Lane = on demand", ["alpha"]),
        ("lane=on_demand", ["alpha"]),
        ("lane != On-demand", ["beta", "gamma"]),
        ("Lane = batch", ["beta", "gamma"]),
        ("Creation time >= 2026-04-13", ["beta", "gamma"]),
        ("Creation time > 2026-04-13", ["gamma"]),
        ("Creation time <= 2026-04-13", ["alpha", "beta"]),
        ("Creation time < 2026-04-13", ["alpha"]),
        ("Creation time >= 2026-04-12T10:00:01", ["beta", "gamma"]),
        ("Errors > 0", ["alpha"]),
        ("Errors = 3", ["alpha"]),
        ("Job name : ALPH", ["alpha"]),
        ("Job name = bet", []),
        ("Model !: haiku", ["alpha", "gamma"]),
        ("Model != Claude 3 Haiku", ["alpha", "gamma"]),
        ("Model : nothing-like-it", []),
        ("Created by != bob", ["alpha", "gamma"]),
        ("Created by = nobody-of-that-name", []),
        ("End time <= 2026-04-13", ["beta"]),
        ("End time < 2026-04-13T12:00", ["beta"]),
        ("End time > 2026-04-13", ["gamma"]),
        ("Creation time = 2026-04-13", ["beta"]),
        ("Creation time = 2026-04-12T10:00:00Z", []),
        ("Creation time < 7 days ago", ["alpha", "beta", "gamma"]),
        ("Creation time = last 7 days", []),
        ("Cost > $1.50", ["beta"]),
        ("Cost <= 1.5", ["alpha"]),
        ("Duration > 90 min", ["beta"]),
        ("Duration = 1 h 12 min", ["gamma"]),
        ("Duration = 1 h", ["gamma"]),
        ("Duration >= 4320 s", ["beta", "gamma"]),
        ("Duration < 2 hours", ["gamma"]),
    ],
)
def test_a_token_finds(jobs: None, text: str, expected: list[str]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "support-triage",
        "Status",
        "Status =",
        "Status = Pink",
        "Lane = fast",
        "Status > Failed",
        "Colour = red",
        "Creation time >= tomorrow",
        "Creation time >= 2026-13-45",
        "Errors > many",
        "Errors > -1",
        "Creation time = 7 days",
        "Creation time = last 99999 days",
        "Cost > cheap",
        "Cost > 1.",
        "Duration > long",
        "Duration > 90",
        "Duration > 999999999 d",
        "Duration : 1 h",
        f"Job name = {'x' * 201}",
        "",
    ],
)
def test_other_text_is_no_token(text: str) -> None:
    assert read_token(text) is None


def test_a_token_reads_its_own_form_again() -> None:
    token = read_token("Creation time  >=  2026-04-13 ")
    assert token is not None
    assert str(token) == "created>=2026-04-13"
    assert token.text == "Creation time >= 2026-04-13"
    assert read_token(str(token)) == token


def test_a_day_is_one_of_the_preferred_zone(jobs: None) -> None:
    with timezone.override(ZoneInfo("Pacific/Auckland")):  # alpha was created at 22:00 of the 12th there
        assert found("created>=2026-04-13") == ["beta", "gamma"]
    with timezone.override(ZoneInfo("Pacific/Kiritimati")):  # and at midnight of the 13th here
        assert found("created>=2026-04-13") == ["alpha", "beta", "gamma"]


@pytest.mark.parametrize(
    ("value", "ages"),
    [
        ("today", [0]),
        ("yesterday", [1]),
        ("2 days ago", [2]),
        ("last 25 hours", [0, 1]),
        ("Last  2 weeks", [0, 1, 2]),
    ],
)
def test_times_are_asked_for_as_people_say_them(make_job: MakeJob, value: str, ages: list[int]) -> None:
    now = timezone.now()
    for age in (0, 1, 2):
        at = min(now, now.replace(hour=12, minute=0)) if age == 0 else now - timedelta(days=age)
        make_job(str(age), created_at=at)
    make_job("old", created_at=now - timedelta(days=40))
    assert found(f"Creation time = {value}") == list(map(str, ages))


@pytest.mark.parametrize(("text", "names_found"), [("Duration > 2 h", ["running"]), ("Duration < 2 h", ["young"])])
def test_a_job_that_runs_has_its_duration_until_now(make_job: MakeJob, text: str, names_found: list[str]) -> None:
    for name, hours in (("running", 3), ("young", 1)):
        make_job(name, "InProgress", submit_time=timezone.now() - timedelta(hours=hours))
    make_job("waiting", "Queued")
    assert found(text) == names_found


def test_tokens_are_joined_by_and_or_by_or(jobs: None) -> None:
    assert found("status=Failed", "name:a") == ["alpha"]
    assert found("status=Failed", "by=bob", any_of=True) == ["alpha", "beta"]


def test_the_list_shows_each_token_with_a_link_without_it(client: Client, jobs: None) -> None:
    response = client.get(URL, {"f": ["name:a", "status!=Failed"], "sort": "name"})
    assert names(response) == ["beta", "gamma"]
    assert "<span>Status != Failed</span>" in response.text
    chips = response.context["table"].chips
    assert [chip.url for chip in chips] == [
        "/local/jobs/?f=status%21%3DFailed&sort=name",
        "/local/jobs/?f=name:a&sort=name",
    ]


def test_a_token_typed_into_the_field_becomes_one(client: Client, jobs: None) -> None:
    response = client.get(URL, {"q": "Status = Failed"})
    assert names(response) == ["alpha"]
    assert response.context["table"].url == "/local/jobs/?f=status%3DFailed"


def test_bad_tokens_are_dropped_from_the_address(client: Client, jobs: None) -> None:
    response = client.get(URL, {"f": ["status=Pink", "name=alpha", "name=alpha"], "join": "nonsense"})
    assert response.context["table"].url == "/local/jobs/?f=name%3Dalpha"


def test_the_join_is_in_the_address(client: Client, jobs: None) -> None:
    response = client.get(URL, {"f": ["status=Failed", "by=bob"], "join": "any", "sort": "name"})
    assert names(response) == ["alpha", "beta"]
    assert "join" not in response.context["table"].join_url


def test_counts_by_status_follow_the_filter(client: Client, jobs: None) -> None:
    segments = client.get(URL, {"f": "created>=2026-04-13"}).context["table"].segments
    assert [(each.name, each.count) for each in segments if each.count != "0"] == [
        ("all", "2"),
        ("running", "1"),
        ("completed", "1"),
    ]


def test_a_filter_by_tag_says_how_many_tags_are_not_read_yet(client: Client, make_job: MakeJob) -> None:
    make_job("foreign", "Completed", origin="imported", tags_unread=True, job_arn=arn())
    said = "The tags of 1 job created elsewhere are not read yet."
    assert said in client.get(URL, {"f": "tag=team"}).text
    assert said not in client.get(URL, {"f": "name:f"}).text
