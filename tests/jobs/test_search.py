"""Finding jobs by text and tags, with and without the index."""

import pytest
from django.db import connection as database
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from batchconsole.jobs.finding import search
from batchconsole.jobs.models import BatchJob, Connection
from tests.benchmarks.many_jobs import fill
from tests.jobs.conftest import MODEL, arn, make_job

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def whole_index(db: None) -> None:
    search.make_index(using="default")


@pytest.fixture
def no_index() -> None:
    search.drop_index(using="default")


def found(text: str) -> list[str]:
    return sorted(BatchJob.objects.matching(text).values_list("job_name", flat=True))


def is_indexed(text: str) -> bool:
    return "jobs_search" in str(BatchJob.objects.matching(text).query)


def test_it_works(nowhere: Connection) -> None:
    make_job(nowhere, job_name="Summaries-2026")
    make_job(nowhere, job_name="other")
    assert found("summ") == ["Summaries-2026"]
    assert is_indexed("summ")


@pytest.mark.parametrize(
    "text", ["", "a", "zz", "abc", "ABC-d", "micro", "nova-micro-v1:0", "nothing", "%", "a%c", '"']
)
def test_the_index_changes_nothing_but_the_time(nowhere: Connection, text: str) -> None:
    for name in ("abc-def", "abcdef", "zz.top", "nova"):
        make_job(nowhere, job_name=name)
    with_index = found(text)
    search.drop_index(using="default")
    assert found(text) == with_index


@pytest.mark.parametrize("text", ['say "x"', "a OR b", "job_name:abc", "abc*", "(abc", "abc\x00", "-abc", "é€"])
def test_any_text_is_taken_as_it_is(nowhere: Connection, text: str) -> None:
    make_job(nowhere, job_name="abc")
    assert found(text) == (["abc"] if text == "abc\x00" else [])


def test_changes_reach_the_index(nowhere: Connection) -> None:
    job = make_job(nowhere, job_name="before")
    BatchJob.objects.filter(pk=job.pk).update(job_name="after")
    assert (found("before"), found("after")) == ([], ["after"])
    job.delete()
    assert found("after") == []


def test_an_id_and_an_arn_are_found(nowhere: Connection) -> None:
    make_job(nowhere, job_name="a", job_arn=arn(7))
    make_job(nowhere, job_name="b", job_arn=arn(8))
    assert found(arn(7)) == ["a"]
    assert found("000000000008") == ["b"]


def test_what_many_jobs_have_is_found_too() -> None:
    fill(search.FREQUENT + 3)  # two of them are called otherwise
    assert not is_indexed("nightly")
    assert BatchJob.objects.matching("NIGHTLY").count() == search.FREQUENT + 1


def test_rows_made_without_the_index_are_in_it_afterwards(nowhere: Connection, no_index: None) -> None:
    make_job(nowhere, job_name="early")
    search.make_index(using="default")
    assert is_indexed("early")
    assert found("early") == ["early"]


def test_triggers_lost_with_their_table_are_made_again(nowhere: Connection) -> None:
    with database.cursor() as cursor:
        cursor.execute("DROP TRIGGER jobs_search_added")
    make_job(nowhere, job_name="unseen")
    assert not is_indexed("unseen")
    assert found("unseen") == ["unseen"]
    search.make_index(using="default")
    assert is_indexed("unseen")
    assert found("unseen") == ["unseen"]


def test_the_model_is_looked_at_too(nowhere: Connection) -> None:
    make_job(nowhere, job_name="a", model_id=MODEL)
    make_job(nowhere, job_name="b", model_id="meta.llama3-1-8b-instruct-v1:0")
    assert found("LLAMA") == ["b"]


TAGS = [{"key": "team", "value": "nlp"}, {"key": "cost-centre", "value": "é 7"}]


def tagged(key: str, value: str | None = None) -> list[str]:
    found = search.tagged(key, value, using="default")
    assert found is not None
    return sorted(BatchJob.objects.filter(found).values_list("job_name", flat=True))


def test_a_tag_is_found_by_its_key_and_by_its_value(nowhere: Connection) -> None:
    make_job(nowhere, job_name="a", tags=TAGS)
    make_job(nowhere, job_name="b", tags=[{"key": "team", "value": "search"}])
    assert (tagged("team"), tagged("team", "nlp"), tagged("cost-centre", "é 7")) == (["a", "b"], ["a"], ["a"])
    assert (tagged("nlp"), tagged("team", "é 7")) == ([], [])


def test_changed_tags_reach_the_index(nowhere: Connection) -> None:
    job = make_job(nowhere, tags=TAGS, job_name="a")
    BatchJob.objects.filter(pk=job.pk).update(tags=TAGS[1:])
    assert (tagged("team"), tagged("cost-centre")) == ([], ["a"])
    job.delete()
    assert tagged("cost-centre") == []


def test_tags_given_without_the_index_are_in_it_afterwards(nowhere: Connection, no_index: None) -> None:
    make_job(nowhere, job_name="early", tags=TAGS)
    assert search.tagged("team", "nlp", using="default") is None
    search.make_index(using="default")
    assert tagged("team", "nlp") == ["early"]


def test_a_tag_of_very_many_jobs_is_found_too(nowhere: Connection) -> None:
    make_job(nowhere, job_name="one", tags=TAGS[:1])
    make_job(nowhere, job_name="other", tags=TAGS[1:])
    with database.cursor() as cursor:
        others = [("team", "nlp", 1_000_000 + number) for number in range(search.FREQUENT + 1)]
        cursor.executemany("INSERT INTO jobs_search_tags VALUES (%s, %s, %s)", others)
    assert "EXISTS" in str(BatchJob.objects.filter(search.tagged("team", "nlp", using="default") or Q()).query)
    assert tagged("team", "nlp") == ["one"]


@pytest.mark.parametrize(("both", "is_keyed"), [(2, True), (search.MOST_TOGETHER + 1, False)])
def test_few_jobs_with_several_frequent_tags_are_selected_by_key(
    both: int, is_keyed: bool, nowhere: Connection
) -> None:
    first, last = 2_000_000, 2_000_000 + search.FREQUENT
    with database.cursor() as cursor:
        for key, begin in (("left", first), ("right", last + 1 - both)):
            rows = [(key, str(both), begin + number) for number in range(search.FREQUENT + 1)]
            cursor.executemany("INSERT OR IGNORE INTO jobs_search_tags VALUES (%s, %s, %s)", rows)
    found = search.tagged_with_all([("left", str(both)), ("right", str(both))], using="default")
    with database.cursor() as cursor:
        cursor.execute("DELETE FROM jobs_search_tags WHERE tag_key IN ('left', 'right')")
    assert found.children == ([("pk__in", [last - 1, last])] if is_keyed else [])


@pytest.mark.parametrize("count", [0, 3])
def test_keys_of_few_jobs_are_no_parameters_of_the_statement(count: int, nowhere: Connection) -> None:
    for number in range(count):
        make_job(nowhere, job_name=f"job-{number}")
    named = BatchJob.objects.filter(connection=nowhere).named()
    assert len(named) == count
    if count:
        assert named.query.sql_with_params()[1] == ()


def test_frequent_tags_are_merged_in_the_order_of_their_index(nowhere: Connection) -> None:
    with database.cursor() as cursor, CaptureQueriesContext(database) as queries:
        rows = [(key, "1", 3_000_000 + number) for key in ("left", "right") for number in range(search.FREQUENT + 1)]
        cursor.executemany("INSERT INTO jobs_search_tags VALUES (%s, %s, %s)", rows)
        search.tagged_with_all([("left", "1"), ("right", "1")], using="default")
        (together,) = [query["sql"] for query in queries if "INTERSECT" in query["sql"]]
        cursor.execute(f"EXPLAIN QUERY PLAN {together}")
        plan = " ".join(str(row) for row in cursor.fetchall())
        cursor.execute("DELETE FROM jobs_search_tags WHERE tag_key IN ('left', 'right')")
    assert "TEMP B-TREE" not in plan


NAMES = ("nightly-1", "nightly-2", "Night", "weekly", "my-night-job", "x-nightly", "day", "n", "nigh", "nighu")


@pytest.mark.parametrize("text", ["night", "NIGHT", "ly", "-", "n", "nightly-1", "zz", "%", "é"])
def test_the_names_without_a_text_are_those_that_do_not_contain_it(nowhere: Connection, text: str) -> None:
    for name in NAMES:
        make_job(nowhere, job_name=name)
    other = Connection.objects.create(name="other", title="Other")
    make_job(other, job_name="monthly")
    expected = BatchJob.objects.exclude(job_name__icontains=text).values_list("job_name", flat=True)
    assert sorted(search.names_without(text, using="default") or []) == sorted(expected)


def test_names_that_differ_before_the_text_are_not_searched_for_long(nowhere: Connection) -> None:
    jobs = [BatchJob(connection=nowhere, job_name=f"{number}-nightly") for number in range(search.MOST_STEPS)]
    BatchJob.objects.bulk_create(jobs)
    assert search.names_without("nightly", using="default") is None


def test_rare_tags_need_no_key(nowhere: Connection) -> None:
    make_job(nowhere, job_name="one", tags=TAGS)
    assert not search.tagged_with_all([("team", "nlp"), ("cost-centre", "é 7")], using="default")
