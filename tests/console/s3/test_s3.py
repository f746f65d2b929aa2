"""S3 as pages, and as the chooser of the form: what is listed, previewed, downloaded, uploaded, and refused."""

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import pytest
import requests
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.test import Client
from pytest_django import Settings

from batchconsole.aws import s3
from batchconsole.console.s3.browser import PAGE_SIZE, read_page
from batchconsole.console.s3.places import Place
from batchconsole.jobs.models import Connection, Event, Grant, ModelLimit, Verb
from batchconsole.jobs.s3.storage import PART_BYTES, Storage, part_bytes
from tests.console.conftest import MODEL, MakeJob
from tests.factories import grant

HTMX = {"HX-Request": "true"}


def browse(client: Client, uri: str = "", **query: str) -> str:
    response = client.get("/local/s3/", {"uri": uri} | query)
    assert response.status_code == 200
    return response.content.decode()


def put(local: Connection, bucket: str, key: str, body: bytes = b"{}") -> str:
    s3.put_object(local.target, bucket, key, body)
    return f"s3://{bucket}/{key}"


@pytest.mark.parametrize(
    ("query", "bucket", "folder", "find"),
    [
        ("", "", "", ""),
        ("uri=s3://bucket", "bucket", "", ""),
        ("uri=s3://bucket/a/b/", "bucket", "a/b/", ""),
        ("uri=s3://bucket/a/b.jsonl", "bucket", "a/", "b.jsonl"),
        ("uri=s3://bucket/a/&find=x", "bucket", "a/", "x"),
        ("uri=nonsense", "nonsense", "", ""),
        ("find=logs&page=-3", "", "", "logs"),
    ],
)
def test_a_query_string_names_a_place(query: str, bucket: str, folder: str, find: str) -> None:
    place = Place.read(QueryDict(query))
    assert (place.bucket, place.folder, place.find, place.page) == (bucket, folder, find, 1)


def test_it_works(client: Client, bucket: str) -> None:
    page = browse(client, find=bucket)
    assert f">{bucket}</a>" in page
    assert "1 match" in page


def test_a_folder_shows_folders_and_objects_without_its_own_marker(
    client: Client, bucket: str, local: Connection
) -> None:
    put(local, bucket, "input/", b"")
    put(local, bucket, "input/deep/one.jsonl")
    page = browse(client, f"s3://{bucket}/input/")
    assert ">deep/</a>" in page
    assert ">records.jsonl</a>" in page
    assert 'Objects <span class="counter">(2)</span>' in page


def test_objects_are_found_by_the_start_of_their_names(client: Client, bucket: str, local: Connection) -> None:
    put(local, bucket, "input/other.jsonl")
    page = browse(client, f"s3://{bucket}/input/", find="oth")
    assert "other.jsonl" in page
    assert "records.jsonl" not in page


def test_a_search_without_a_match_offers_to_clear_it(client: Client, bucket: str) -> None:
    page = browse(client, f"s3://{bucket}/", find="nothing")
    assert "No matches" in page
    assert "Clear filter" in page


def table(client: Client, query: str) -> Any:
    return client.get(f"/local/s3/?{query}").context["page"]


def names(page: Any) -> list[str]:
    return [row.name for row in page.rows]


@pytest.fixture
def many(bucket: str, boto: Any) -> str:
    """The query of a folder with five objects more than a page shows."""
    for number in range(PAGE_SIZE + 5):
        boto("s3").put_object(Bucket=bucket, Key=f"many/{number:04}.jsonl", Body=b"")
    return f"uri=s3://{bucket}/many/"


def test_many_objects_come_in_pages_there_and_back(client: Client, many: str) -> None:
    first = table(client, many)
    assert (len(first.rows), first.total, first.previous) == (PAGE_SIZE, PAGE_SIZE + 5, None)
    second = table(client, first.next.query)
    assert names(second)[-1] == f"{PAGE_SIZE + 4:04}.jsonl"
    assert (second.place.page, second.next) == (2, None)
    assert second.previous.query == first.place.query


class TestLargeFolder:
    """A folder of 105 objects, a hundred of which come in a call."""

    @pytest.fixture(autouse=True)
    def the_folder(self, local: Connection, many: str) -> None:
        self.local, self.query = local, many

    def read(self, more: str = "", *, most: int = 200, fresh: bool = False) -> Any:
        query = QueryDict(more if more.startswith("uri=") else f"{self.query}{more}")
        return read_page(Storage(self.local, None), Place.read(query), whole=PAGE_SIZE, most=most, is_fresh=fresh)

    def test_it_comes_in_s3s_order_there_and_back(self) -> None:
        first = self.read()
        assert (len(first.rows), first.total, first.counter, first.previous) == (PAGE_SIZE, None, "100+", None)
        second = self.read(first.next.query)
        assert names(second) == [f"{number:04}.jsonl" for number in range(PAGE_SIZE, PAGE_SIZE + 5)]
        assert (second.place.page, second.next) == (2, None)
        assert self.read(second.previous.query).rows == first.rows

    def test_a_search_reads_on_and_finds_within_names(self) -> None:
        page = self.read("&find=04.J")
        assert (names(page), page.total) == (["0004.jsonl", "0104.jsonl"], 2)

    def test_another_order_reads_on_and_counts_them_all(self) -> None:
        page = self.read("&sort=-name")
        assert (names(page)[0], page.counter) == ("0104.jsonl", "105")
        assert names(self.read(page.next.query))[-1] == "0000.jsonl"

    def test_it_is_remembered_until_it_is_refreshed(self, boto: Any) -> None:
        before = self.read("&sort=-name")
        boto("s3").put_object(Bucket=before.place.bucket, Key=f"{before.place.folder}9999.jsonl", Body=b"")
        again = self.read("&sort=-name")
        assert (again.total, again.read_at) == (105, before.read_at)
        assert names(self.read("&sort=-name", fresh=True))[0] == "9999.jsonl"

    def test_one_too_large_is_searched_by_the_start_of_names_and_says_so(self) -> None:
        page = self.read("&find=010", most=PAGE_SIZE)
        assert names(page) == [f"010{digit}.jsonl" for digit in range(5)]
        assert page.find_label == "Find object by prefix"
        assert not self.read("&find=04.j", most=PAGE_SIZE).rows

    def test_one_too_large_is_not_sorted_and_says_so(self) -> None:
        page = self.read("&sort=-name", most=PAGE_SIZE)
        assert (names(page)[0], page.place.sort, page.by_prefix) == ("0000.jsonl", "", True)
        assert not any(heading.url for heading in page.headings)


def test_of_a_call_each_page_shows_a_part(local: Connection, bucket: str, boto: Any) -> None:
    for number in range(2 * PAGE_SIZE + 3):
        boto("s3").put_object(Bucket=bucket, Key=f"parts/{number:04}", Body=b"")
    place: Place | None = Place(bucket, "parts/")
    pages = []
    while place:
        pages.append(read_page(Storage(local, None), place, whole=2 * PAGE_SIZE))
        place = pages[-1].next
    assert [name for page in pages for name in names(page)] == [f"{number:04}" for number in range(2 * PAGE_SIZE + 3)]
    before = pages[-1].previous
    assert before
    assert read_page(Storage(local, None), before, whole=2 * PAGE_SIZE).rows == pages[1].rows


def test_a_page_after_the_last_is_the_last(client: Client, bucket: str) -> None:
    assert names(table(client, f"uri=s3://{bucket}/input/&page=99")) == ["records.jsonl"]


@pytest.mark.parametrize(
    ("sort", "order"),
    [("size", ["a/", "b", "c", "a"]), ("-size", ["a/", "a", "c", "b"]), ("-name", ["a/", "c", "b", "a"])],
)
def test_objects_are_sorted_after_the_folders(
    client: Client, bucket: str, local: Connection, sort: str, order: list[str]
) -> None:
    for key, size in (("a", 3), ("b", 1), ("c", 2), ("a/deep", 9)):
        put(local, bucket, f"sorted/{key}", b"x" * size)
    page = table(client, f"uri=s3://{bucket}/sorted/&sort={sort}")
    assert names(page) == order
    assert f"sort={sort}" in page.place.query


def test_an_unknown_order_is_none(client: Client, bucket: str) -> None:
    assert table(client, f"uri=s3://{bucket}/&sort=colour").place.sort == ""


def test_a_part_of_a_name_is_found_too(client: Client, bucket: str) -> None:
    assert names(table(client, f"uri=s3://{bucket}/input/&find=CORDS")) == ["records.jsonl"]


ODD_KEYS = [
    "a b.txt",
    "ü/日本.txt",
    "..",
    "../up.txt",
    "//double//slash.txt",
    "/start.txt",
    "x?y=1&z#1+2%20.txt",
    "</h1>.txt",
]


@pytest.mark.parametrize("key", ODD_KEYS)
def test_an_odd_key_is_listed_shown_and_downloaded(client: Client, bucket: str, boto: Any, key: str) -> None:
    boto("s3").put_object(Bucket=bucket, Key=key, Body=b"odd")
    folder, slash, _ = key.rpartition("/")
    page = table(client, urlencode({"uri": f"s3://{bucket}/{folder}{slash}"}))
    assert f"s3://{bucket}/{key}" in [row.uri for row in page.rows]
    shown = client.get("/local/s3/object/", {"uri": f"s3://{bucket}/{key}"})
    assert "odd</pre>" in shown.text
    assert b"".join(client.get("/local/s3/download/", {"uri": f"s3://{bucket}/{key}"})) == b"odd"


def test_a_bucket_that_does_not_exist_is_said_in_place(client: Client, local: Connection) -> None:
    page = browse(client, f"s3://missing-{uuid4().hex[:8]}/")
    assert "S3 could not be listed" in page
    assert "ListObjectsV2 · NoSuchBucket" in page


def test_s3_away_is_said_in_place(client: Client, away: Connection) -> None:
    page = client.get("/away/s3/").content.decode()
    assert "ListBuckets · EndpointUnreachable" in page


def test_the_chooser_is_a_fragment_with_something_to_choose(client: Client, bucket: str) -> None:
    query = {"uri": f"s3://{bucket}/input/", "choose": "input_s3_uri"}
    response = client.get("/local/s3/", query, headers=HTMX)
    page = response.content.decode()
    assert "<html" not in page
    assert f'value="s3://{bucket}/input/records.jsonl"' in page
    assert "HX-Request" in response.headers["Vary"]


def picks(page: str) -> dict[str, str]:
    """The radio buttons of a chooser by what each would choose."""
    return {match[2]: match[0] for match in re.finditer(r'<input[^>]*(name="s3_pick") value="([^"]*)"[^>]*>', page)}


def choose(client: Client, uri: str, *, name: str = "input_s3_uri", **query: str) -> str:
    return client.get("/local/s3/", {"uri": uri, "choose": name} | query, headers=HTMX).text


def test_the_chooser_of_the_output_offers_places_only(client: Client, bucket: str) -> None:
    page = choose(client, f"s3://{bucket}/input/", name="output_s3_uri")
    assert "records.jsonl" in page
    assert set(picks(page)) == {f"s3://{bucket}/input/"}


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("notes.txt", b"x", "Not a .jsonl file."),
        ("empty.jsonl", b"", "Empty file."),
        ("a.out", b"x", "Output of a job"),
    ],
)
def test_what_no_job_can_read_cannot_be_chosen_and_says_why(
    client: Client, bucket: str, local: Connection, name: str, body: bytes, words: str
) -> None:
    uri = put(local, bucket, f"input/{name}", body)
    page = choose(client, f"s3://{bucket}/input/", model_id="")
    assert "disabled" in picks(page)[uri]
    assert "disabled" not in picks(page)[f"s3://{bucket}/input/records.jsonl"]
    assert words in page


def test_an_archived_object_cannot_be_chosen(client: Client, bucket: str, boto: Any) -> None:
    boto("s3").put_object(Bucket=bucket, Key="input/old.jsonl", Body=b"{}", StorageClass="DEEP_ARCHIVE")
    page = choose(client, f"s3://{bucket}/input/", model_id="")
    assert "disabled" in picks(page)[f"s3://{bucket}/input/old.jsonl"]
    assert "Archived in Glacier Deep Archive." in page


def test_a_bucket_of_another_region_says_so_when_it_is_to_be_chosen(client: Client, bucket: str, boto: Any) -> None:
    far = f"far-{uuid4().hex[:12]}"
    boto("s3").create_bucket(Bucket=far, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    words = "Not in us-east-1, where the job runs."
    assert words in choose(client, "", find=far)
    assert words not in choose(client, "", find=bucket)
    assert words not in browse(client, find=far)


def test_a_large_object_can_be_chosen_with_a_warning(client: Client, bucket: str, local: Connection) -> None:
    ModelLimit.objects.create(connection=local, model_id=MODEL, bytes_per_file=1)
    page = choose(client, f"s3://{bucket}/input/", model_id=MODEL)
    assert "disabled" not in picks(page)[f"s3://{bucket}/input/records.jsonl"]
    assert "that a file may have." in page


def test_a_chooser_of_something_else_than_a_jobs_input_marks_nothing(
    client: Client, bucket: str, local: Connection
) -> None:
    uri = put(local, bucket, "input/table.csv", b"a,b")
    assert "disabled" not in picks(choose(client, f"s3://{bucket}/input/"))[uri]


def test_an_object_that_is_no_input_says_so_in_its_preview(client: Client, bucket: str, local: Connection) -> None:
    uri = put(local, bucket, "notes.txt", b"x")
    query = {"uri": uri, "choose": "input_s3_uri", "model_id": ""}
    page = client.get("/local/s3/object/", query, headers=HTMX).text
    assert "Not a .jsonl file." in page
    assert "data-s3-choose disabled" in page


OPENAI_LINES = {
    "batch.jsonl": ({"custom_id": "r1", "method": "POST", "body": {"messages": []}}, "(OpenAI batch request)"),
    "batch.jsonl.out": (
        {
            "id": "batch_req_1",
            "custom_id": "r1",
            "response": {"status_code": 200, "body": {"choices": [{"message": {"content": "Blue & green."}}]}},
            "error": None,
        },
        ">Blue &amp; green.</pre>",
    ),
    "batch.jsonl.err": (
        {
            "id": "batch_req_1",
            "custom_id": "r1",
            "response": {"status_code": 400, "body": {"error": {"message": "Too long."}}},
            "error": None,
        },
        "400: Too long.",
    ),
}


@pytest.mark.parametrize("name", OPENAI_LINES)
def test_a_line_of_an_openai_batch_can_be_read(client: Client, bucket: str, local: Connection, name: str) -> None:
    line, shown = OPENAI_LINES[name]
    page = client.get("/local/s3/object/", {"uri": put(local, bucket, name, json.dumps(line).encode())}).text
    assert "Line 1: r1 (OpenAI batch " in page
    assert shown in page


def test_the_errors_of_a_batch_are_no_input(client: Client, bucket: str, local: Connection) -> None:
    put(local, bucket, "input/a.jsonl.err", b"{}")
    assert "Output of a job, not input." in choose(client, f"s3://{bucket}/input/", model_id=MODEL)


def test_a_folder_says_what_a_job_would_read_in_it(client: Client, bucket: str, local: Connection) -> None:
    put(local, bucket, "input/deep/more.jsonl", b"x" * 1000)
    put(local, bucket, "input/notes.txt", b"x" * 5000)
    assert "2 .jsonl files, 1.3\xa0KB." in client.get("/local/s3/summary/", {"uri": f"s3://{bucket}/input/"}).text


def test_a_folder_without_input_says_so(client: Client, bucket: str, local: Connection) -> None:
    put(local, bucket, "pictures/a.png", b"x")
    page = client.get("/local/s3/summary/", {"uri": f"s3://{bucket}/pictures/"}).text
    assert "No .jsonl file in this folder." in page
    assert 'data-type="warning"' in page


def test_a_folder_with_more_than_a_job_may_read_says_so(client: Client, bucket: str, local: Connection) -> None:
    ModelLimit.objects.create(connection=local, model_id=MODEL, bytes_per_job=100)
    query = {"uri": f"s3://{bucket}/input/", "model_id": MODEL}
    assert "more than the 100\xa0bytes of a job" in client.get("/local/s3/summary/", query).text


def test_a_folder_that_cannot_be_read_says_why(client: Client, away: Connection) -> None:
    page = client.get("/away/s3/summary/", {"uri": "s3://bucket/input/"}).text
    assert "Could not connect" in page


def test_the_same_address_without_script_is_a_page(client: Client, bucket: str) -> None:
    assert "<html" in browse(client, f"s3://{bucket}/", choose="input_s3_uri")


def test_an_object_shows_its_records(client: Client, bucket: str, local: Connection) -> None:
    uri = put(local, bucket, "mixed.jsonl", b'{"recordId":"first","modelInput":{}}\n\nnot json\n')
    page = client.get("/local/s3/object/", {"uri": uri}).content.decode()
    assert "Line 1: first" in page
    assert "Line 3" in page
    assert "invalid JSON" in page


def test_a_long_object_shows_its_beginning(client: Client, bucket: str, local: Connection) -> None:
    uri = put(local, bucket, "long.jsonl", b'{"recordId":"x","modelInput":{}}\n' * 9000)
    page = client.get("/local/s3/object/", {"uri": uri}).content.decode()
    assert "The beginning of the object." in page
    assert "invalid JSON" not in page
    assert page.count('class="expandable record"') == 20


def test_a_record_longer_than_the_preview_is_shown_as_text(client: Client, bucket: str, local: Connection) -> None:
    uri = put(local, bucket, "one.jsonl", b'{"recordId":"one","modelInput":{"prompt":"' + b"x" * 300_000 + b'"}}')
    page = client.get("/local/s3/object/", {"uri": uri}).text
    assert "The beginning of the object." in page
    assert "{&quot;recordId&quot;:&quot;one&quot;" in page
    assert "invalid JSON" not in page


def test_a_bucket_can_be_opened_by_name_when_none_can_be_listed(client: Client, away: Connection) -> None:
    assert '<label for="id_uri">Open a location</label>' in client.get("/away/s3/").text


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("Grüße\n".encode(), "Grüße"),
        (b"", "The object is empty."),
        (b"\x00\x01", "This is not text"),
        (b"\xff\xfe", "This is not text"),
    ],
)
def test_an_object_that_is_no_jsonl_is_shown_if_it_is_text(
    client: Client, bucket: str, local: Connection, body: bytes, shown: str
) -> None:
    uri = put(local, bucket, "notes.txt", body)
    assert shown in client.get("/local/s3/object/", {"uri": uri}).content.decode()


def test_script_in_an_object_stays_text(client: Client, bucket: str, local: Connection) -> None:
    uri = put(local, bucket, "evil.jsonl", b'{"recordId":"<script>x</script>","modelInput":{}}')
    page = client.get("/local/s3/object/", {"uri": uri}).content.decode()
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page


@pytest.mark.parametrize("uri", ["", "nonsense", "s3://only-a-bucket", "s3:///key"])
def test_what_is_no_object_is_not_found(client: Client, local: Connection, uri: str) -> None:
    assert client.get("/local/s3/object/", {"uri": uri}).status_code == 404
    assert client.get("/local/s3/download/", {"uri": uri}).status_code == 404


def test_an_object_that_is_gone_says_so(client: Client, bucket: str) -> None:
    response = client.get("/local/s3/object/", {"uri": f"s3://{bucket}/gone.txt"})
    assert response.status_code == 404
    assert "HeadObject · NotFound" in response.content.decode()


def test_a_download_is_the_object_byte_for_byte(client: Client, bucket: str, local: Connection) -> None:
    body = bytes(range(256)) * 5000
    response = client.get("/local/s3/download/", {"uri": put(local, bucket, "a b/ö.bin", body)})
    assert b"".join(response) == body
    assert response.headers["Content-Length"] == str(len(body))
    assert response.headers["Content-Disposition"] == "attachment; filename*=utf-8''%C3%B6.bin"


class TestPresignedDownloads:
    """Downloads of a connection that allows presigned URLs, from MiniStack behind its guard."""

    @pytest.fixture(autouse=True)
    def allowed(self, client: Client, bucket: str, local: Connection) -> None:
        local.presigns_downloads = True
        local.save()
        self.client, self.local, self.uri = client, local, put(local, bucket, "a b/ö\u202e.html", b"<script>")

    def ask(self, uri: str = "", **headers: str) -> Any:
        return self.client.get("/local/s3/download/", {"uri": uri or self.uri}, headers={"Host": "127.0.0.1"} | headers)

    def test_s3_sends_the_object_as_a_file_that_nobody_stores(self) -> None:
        response = self.ask()
        assert (response.status_code, response["Cache-Control"]) == (302, "no-store")
        followed = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"}
        answer = requests.get(response["Location"], headers=followed, timeout=10)
        assert (answer.status_code, answer.content) == (200, b"<script>")
        assert answer.headers["Content-Disposition"] == "attachment; filename*=utf-8''%C3%B6_.html"
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Cache-Control"] == "no-store"

    def test_the_url_is_short_lived_and_for_this_object_only(self) -> None:
        url = self.ask()["Location"]
        assert parse_qs(urlsplit(url).query)["X-Amz-Expires"] == ["60"]
        assert requests.get(url.replace("a%20b/", "a%20c/"), timeout=10).status_code == 403
        assert requests.get(url.replace("attachment", "inline"), timeout=10).status_code == 403

    def test_it_is_recorded_with_the_object(self) -> None:
        url = self.ask()["Location"]
        event = Event.objects.get(verb=Verb.DOWNLOADED)
        assert event.data == {"s3_uri": self.uri}
        assert url not in str(event.as_dict())

    def test_what_lies_outside_of_the_allowed_places_gets_no_url(self) -> None:
        Connection.objects.update(**{f"{use}_prefixes": ["s3://elsewhere/"] for use in ("input", "output", "upload")})
        assert self.ask()["Location"].startswith("/local/s3/object/")
        assert not Event.objects.filter(verb=Verb.DOWNLOADED).exists()

    def test_without_the_right_to_read_there_is_no_url(self, person: User) -> None:
        Grant.objects.all().delete()
        grant(person, "Viewer")
        assert self.ask().status_code == 403

    def test_an_object_that_is_gone_is_told_here(self, bucket: str) -> None:
        assert self.ask(f"s3://{bucket}/gone.txt")["Location"].startswith("/local/s3/object/")

    @pytest.mark.parametrize("host", ["localhost", "console.localhost"])
    def test_the_local_stack_under_another_name_is_no_place_to_send_a_browser(
        self, host: str, settings: Settings
    ) -> None:
        settings.ALLOWED_HOSTS = [host]
        assert b"".join(self.ask(Host=host)) == b"<script>"

    def test_a_question_for_the_head_alone_is_answered_here(self) -> None:
        assert self.client.head("/local/s3/download/", {"uri": self.uri}).status_code == 200


def test_a_download_of_nothing_comes_back_with_the_reason(client: Client, bucket: str) -> None:
    response = client.get("/local/s3/download/", {"uri": f"s3://{bucket}/gone.txt"})
    assert response.status_code == 302
    assert "gone.txt" in response.headers["Location"]


def test_a_small_file_is_uploaded_by_the_form(client: Client, bucket: str, local: Connection) -> None:
    file = SimpleUploadedFile("new.jsonl", b'{"modelInput":{}}')
    response = client.post("/local/s3/upload/", {"uri": f"s3://{bucket}/input/", "file": file}, follow=True)
    assert f"new.jsonl was uploaded to s3://{bucket}/input/." in response.content.decode()
    assert s3.get_range(local.target, bucket, "input/new.jsonl") == b'{"modelInput":{}}'


def send(client: Client, bucket: str, *names: str, body: bytes = b"{}", **fields: str) -> str:
    files = [SimpleUploadedFile(name, body) for name in names]
    data = {"uri": f"s3://{bucket}/input/", "file": files, **fields}
    return client.post("/local/s3/upload/", data, follow=True).text


def test_two_files_are_uploaded_at_once(client: Client, bucket: str) -> None:
    page = send(client, bucket, "one.jsonl", "two.jsonl")
    assert f"2 files were uploaded to s3://{bucket}/input/." in page
    assert page.count('class="flash"') == 1
    assert "Files of the last upload" in page
    assert {"one.jsonl", "two.jsonl"} < set(names(table(client, f"uri=s3://{bucket}/input/")))


def test_a_file_of_the_same_name_is_replaced_only_when_asked_for(
    client: Client, bucket: str, local: Connection
) -> None:
    before = s3.get_range(local.target, bucket, "input/records.jsonl")
    page = send(client, bucket, "records.jsonl", body=b"new")
    assert "records.jsonl exists already" in page
    assert "Check Replace files of the same name" in page
    assert s3.get_range(local.target, bucket, "input/records.jsonl") == before
    send(client, bucket, "records.jsonl", body=b"new", replace="1")
    assert s3.get_range(local.target, bucket, "input/records.jsonl") == b"new"


def test_the_fate_of_each_file_stays_until_it_is_put_away(client: Client, bucket: str) -> None:
    send(client, bucket, "records.jsonl", "two words.jsonl", "table.csv")
    for query, is_there in (("", True), ("&add=upload", True), ("&read=1", False), ("", False)):
        page = client.get(f"/local/s3/?uri=s3://{bucket}/input/{query}").text
        assert ("records.jsonl exists already" in page) is is_there
        assert ("doesn&#x27;t accept a space" in page) is is_there
    assert "Files of the last upload" not in client.get(f"/local/s3/?uri=s3://{bucket}/").text


def test_what_the_script_tells_of_its_files_is_said_once(client: Client, bucket: str) -> None:
    files = json.dumps([{"name": "a.jsonl"}, {"name": "b.jsonl", "problem": "Cut off."}])
    answer = client.post("/local/s3/upload/report/", {"uri": f"s3://{bucket}/input/", "files": files})
    assert answer.status_code == 200
    page = browse(client, f"s3://{bucket}/input/")
    assert f"1 of 2 files was uploaded to s3://{bucket}/input/." in page
    assert "Cut off." in page
    assert client.post("/local/s3/upload/report/", {"uri": f"s3://{bucket}/", "files": "nonsense"}).status_code == 400


@pytest.mark.parametrize("key", ["two words.jsonl", "a+b.jsonl", "50%.jsonl", "a=1/é.jsonl"])
def test_a_key_that_bedrock_refuses_is_said_on_the_object(
    client: Client, bucket: str, local: Connection, key: str
) -> None:
    page = client.get("/local/s3/object/", {"uri": put(local, bucket, key, b"{}")}).text
    assert "Amazon Bedrock doesn&#x27;t accept" in page


def test_an_empty_file_is_not_uploaded(client: Client, bucket: str) -> None:
    page = send(client, bucket, "empty.jsonl", "full.jsonl", body=b"")
    assert "empty.jsonl is empty: there is nothing in it to upload." in page
    assert "empty.jsonl" not in names(table(client, f"uri=s3://{bucket}/input/"))


def test_what_is_no_input_is_uploaded_and_said_to_be_none(client: Client, bucket: str) -> None:
    page = send(client, bucket, "picture.png")
    assert "picture.png was uploaded" in page
    assert "be used as job input" in page


def test_an_upload_without_a_file_is_refused(client: Client, bucket: str) -> None:
    response = client.post("/local/s3/upload/", {"uri": f"s3://{bucket}/"}, follow=True)
    assert "Choose a file and a bucket" in response.content.decode()


def test_an_upload_that_fails_says_why(client: Client, local: Connection) -> None:
    file = SimpleUploadedFile("new.jsonl", b"{}")
    data = {"uri": f"s3://missing-{uuid4().hex[:8]}/", "file": file}
    assert "new.jsonl could not be uploaded." in client.post("/local/s3/upload/", data, follow=True).content.decode()


def test_a_folder_is_created_and_opened(client: Client, bucket: str) -> None:
    response = client.post("/local/s3/folder/", {"uri": f"s3://{bucket}/", "name": "2026"}, follow=True)
    assert response.request["QUERY_STRING"] == urlencode({"uri": f"s3://{bucket}/2026/"})
    assert ">2026/</a>" in browse(client, f"s3://{bucket}/")


@pytest.mark.parametrize("name", ["", "  ", "/", "a//b"])
def test_a_folder_without_a_name_is_refused(client: Client, bucket: str, name: str) -> None:
    response = client.post("/local/s3/folder/", {"uri": f"s3://{bucket}/", "name": name}, follow=True)
    assert "Enter a name for the folder." in response.content.decode()


def test_in_the_chooser_a_folder_is_created_and_shown_there(client: Client, bucket: str) -> None:
    data = {"uri": f"s3://{bucket}/", "name": "new", "choose": "output_s3_uri"}
    page = client.post("/local/s3/folder/", data, headers=HTMX, follow=True).text
    assert "<html" not in page
    assert "The folder new was created." in page
    assert re.search(r'id="s3-this" checked', page)
    assert "data-s3-choose>" in page


def test_in_the_chooser_an_uploaded_file_is_picked(client: Client, bucket: str) -> None:
    data = {"uri": f"s3://{bucket}/input/", "file": SimpleUploadedFile("new.jsonl", b"{}"), "choose": "input_s3_uri"}
    page = client.post("/local/s3/upload/", data, headers=HTMX, follow=True).text
    assert 'aria-label="Select new.jsonl" checked' in page
    assert "data-s3-choose>" in page


def test_in_the_chooser_what_went_wrong_stands_in_an_alert(client: Client, bucket: str) -> None:
    data = {"uri": f"s3://{bucket}/", "name": "", "choose": "input_s3_uri"}
    page = client.post("/local/s3/folder/", data, headers=HTMX, follow=True).text
    assert 'role="alert"' in page
    assert "Enter a name for the folder." in page
    assert 'id="id_name"' in page


def test_the_chooser_previews_an_object(client: Client, bucket: str) -> None:
    query = {"uri": f"s3://{bucket}/input/records.jsonl", "choose": "input_s3_uri"}
    page = client.get("/local/s3/object/", query, headers=HTMX).text
    assert "<html" not in page
    assert "Line 1: record-1" in page
    assert f'name="s3_pick" value="s3://{bucket}/input/records.jsonl" checked' in page


class TestWhatAnObjectCanBecome:
    """The one button of an object's page leads where the object can be of use."""

    @pytest.fixture(autouse=True)
    def place(self, client: Client, bucket: str, boto: Any) -> None:
        self.client, self.bucket, self.s3 = client, bucket, boto("s3")

    def show(self, key: str, body: bytes = b"{}") -> str:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return str(self.client.get("/local/s3/object/", {"uri": f"s3://{self.bucket}/{key}"}).text)

    def test_records_become_a_job(self) -> None:
        text = self.show("records.jsonl")
        assert "Create job from this file" in text
        assert "This object can't be used as job input." not in text

    @pytest.mark.parametrize("key", ["table.csv", "table.parquet", "TABLE.TSV"])
    def test_a_table_becomes_batch_input(self, key: str) -> None:
        text = self.show(key)
        assert f'/local/input/new/?input_s3_uri=s3%3A//{self.bucket}/{key}"' in text
        assert "Create job from this file" not in text

    @pytest.mark.parametrize(
        ("key", "body"), [("notes.txt", b"Hi"), ("empty.jsonl", b""), ("records.jsonl.out", b"{}")]
    )
    def test_anything_else_is_said_to_be_no_input(self, key: str, body: bytes) -> None:
        text = self.show(key, body)
        assert "This object can't be used as job input." in text
        assert "Create job from this file" not in text


class TestVersions:
    """An object written twice and deleted, in a bucket with versioning."""

    @pytest.fixture(autouse=True)
    def versions(self, client: Client, bucket: str, boto: Any) -> None:
        self.client, self.s3 = client, boto("s3")
        self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        self.place = {"Bucket": bucket, "Key": "kept.txt"}
        self.first = self.s3.put_object(**self.place, Body=b"first")["VersionId"]
        self.s3.put_object(**self.place, Body=b"second")

    def show(self, path: str = "object", **query: str) -> Any:
        uri = f"s3://{self.place['Bucket']}/kept.txt"
        return self.client.get(f"/local/s3/{path}/", {"uri": uri, **query})

    def test_they_are_hidden_unless_asked_for(self) -> None:
        assert self.first not in self.show().text

    def test_they_are_listed_and_said_not_to_be_choosable(self) -> None:
        text = self.show(versions="1").text
        assert self.first in text
        assert "Current" in text
        assert "Batch inference always reads the current version." in text

    def test_an_older_one_can_be_looked_at_and_downloaded(self) -> None:
        text = self.show(version=self.first).text
        assert "first</pre>" in text
        assert "Create job from this file" not in text
        assert b"".join(self.show("download", version=self.first)) == b"first"

    def test_a_deleted_object_says_so_and_shows_its_older_versions_unasked(self) -> None:
        self.s3.delete_object(**self.place)
        response = self.show()
        assert response.status_code == 404
        assert "This object was deleted" in response.text
        assert "NotFound" not in response.text
        assert self.first in response.text

    def test_an_older_version_of_a_deleted_object_is_shown(self) -> None:
        self.s3.delete_object(**self.place)
        text = self.show(version=self.first).text
        assert "first</pre>" in text
        assert "This object was deleted" not in text

    def test_the_mark_of_a_deletion_has_no_content_and_says_so(self) -> None:
        mark = self.s3.delete_object(**self.place)["VersionId"]
        assert "marks that the object was deleted" in self.show(version=mark).text

    def test_a_version_that_never_was_is_said_in_place(self) -> None:
        assert "The object could not be read" in self.show(version="nonsense").text

    def post(self, path: str, version: str) -> Any:
        uri = f"s3://{self.place['Bucket']}/kept.txt"
        query = urlencode({"uri": uri, "version": version})
        return self.client.post(f"/local/s3/object/{path}/?{query}", follow=True)

    def body(self) -> bytes:
        return bytes(self.s3.get_object(**self.place)["Body"].read())

    def test_an_older_one_is_restored_as_the_current_one(self) -> None:
        assert "Restore this version of kept.txt?" in self.show("object/restore", version=self.first).text
        assert "kept.txt is as in version" in self.post("restore", self.first).text
        assert self.body() == b"first"
        assert len(self.s3.list_object_versions(Bucket=self.place["Bucket"], Prefix="kept.txt")["Versions"]) == 3
        assert Event.objects.get(verb=Verb.OBJECT_RESTORED).data["version"] == self.first

    def test_a_single_one_is_deleted_for_good(self) -> None:
        assert "Delete this version of kept.txt?" in self.show("object/delete", version=self.first).text
        assert f"Version {self.first} of kept.txt was deleted" in self.post("delete", self.first).text
        assert self.body() == b"second"
        assert self.show(version=self.first).status_code == 404

    def test_deleting_the_mark_of_a_deletion_brings_the_object_back(self) -> None:
        mark = self.s3.delete_object(**self.place)["VersionId"]
        self.post("delete", mark)
        assert self.body() == b"second"

    def test_the_current_one_stays_while_a_job_reads_it_and_an_older_one_does_not(self, make_job: MakeJob) -> None:
        make_job(status="InProgress", input_s3_uri=f"s3://{self.place['Bucket']}/kept.txt")
        second = self.s3.head_object(**self.place)["VersionId"]
        for path, version in (("delete", second), ("restore", self.first)):
            self.post(path, version)
            assert self.body() == b"second"
        assert "was deleted" in self.post("delete", self.first).text

    def test_a_version_that_is_not_there_is_neither_deleted_nor_restored(self) -> None:
        assert "has no version nonsense" in self.post("delete", "nonsense").text
        assert "could not be restored" in self.post("restore", "nonsense").text

    def test_in_the_chooser_a_deleted_object_cannot_be_chosen(self) -> None:
        self.s3.delete_object(**self.place)
        uri = f"s3://{self.place['Bucket']}/kept.txt"
        page = self.client.get("/local/s3/object/", {"uri": uri, "choose": "input_s3_uri"}, headers=HTMX).text
        assert "This object was deleted" in page
        assert "data-s3-choose disabled" in page


class TestUploadInParts:
    """What the browser's script does: begin, send parts in any order, finish; or go on later; or give up."""

    @pytest.fixture(autouse=True)
    def a_place(self, client: Client, bucket: str, local: Connection) -> None:
        self.client, self.bucket, self.local = client, bucket, local
        self.uri = f"s3://{bucket}/large.jsonl"

    def call(self, step: str, **values: Any) -> Any:
        return self.client.post(f"/local/s3/upload/{step}/", {"uri": self.uri, **values})

    def send(self, upload: str, number: int, body: bytes) -> Any:
        query = urlencode({"uri": self.uri, "upload": upload, "part": number})
        return self.client.post(f"/local/s3/upload/part/?{query}", body, content_type="application/octet-stream")

    def test_it_works(self) -> None:
        size = PART_BYTES + 10
        begun = self.call("start", size=size).json()
        assert (begun["partSize"], begun["done"]) == (PART_BYTES, [])
        self.send(begun["upload"], 2, b"b" * 10)
        self.send(begun["upload"], 1, b"a" * PART_BYTES)
        assert self.call("finish", upload=begun["upload"]).status_code == 200
        assert s3.head_object(self.local.target, self.bucket, "large.jsonl").size == size

    def test_a_part_longer_than_djangos_limit_for_forms_is_read(self) -> None:
        begun = self.call("start", size=PART_BYTES).json()
        assert self.send(begun["upload"], 1, b"a" * PART_BYTES).json() == {"part": 1}

    def test_it_goes_on_where_it_broke_off(self) -> None:
        begun = self.call("start", size=2 * PART_BYTES).json()
        self.send(begun["upload"], 1, b"a" * PART_BYTES)
        again = self.call("start", size=2 * PART_BYTES, upload=begun["upload"]).json()
        assert again == {"upload": begun["upload"], "partSize": PART_BYTES, "done": [1]}

    def test_a_name_that_is_taken_is_asked_about_once(self) -> None:
        put(self.local, self.bucket, "large.jsonl")
        refused = self.call("start", size=1)
        assert refused.status_code == 409
        begun = self.call("start", size=1, replace="1").json()
        assert self.call("start", size=1, upload=begun["upload"]).json()["upload"] == begun["upload"]

    def test_an_empty_file_is_refused(self) -> None:
        answer = self.call("start", size=0)
        assert (answer.status_code, answer.json()["message"][:21]) == (409, "large.jsonl is empty:")

    def test_an_upload_that_is_gone_begins_anew(self) -> None:
        begun = self.call("start", size=1, upload="gone").json()
        assert begun["upload"] != "gone"
        assert begun["done"] == []

    def test_giving_up_twice_is_fine(self) -> None:
        upload = self.call("start", size=1).json()["upload"]
        assert self.call("abort", upload=upload).status_code == 200
        assert self.call("abort", upload=upload).status_code == 200
        assert self.send(upload, 1, b"a").status_code == 502

    @pytest.mark.parametrize(
        "values", [{}, {"size": "big"}, {"size": 1, "uri": "s3://"}, {"size": 1, "uri": "s3://b/c/"}]
    )
    def test_a_bad_beginning_is_refused(self, values: dict[str, Any]) -> None:
        assert self.call("start", **values).status_code == 400

    @pytest.mark.parametrize("number", [0, 10_001])
    def test_a_bad_part_is_refused(self, number: int) -> None:
        assert self.send("any", number, b"a").status_code == 400

    def test_a_bucket_that_does_not_exist_is_said(self) -> None:
        answer = self.call("start", size=1, uri=f"s3://missing-{uuid4().hex[:8]}/x")
        assert (answer.status_code, answer.json()["code"]) == (502, "NoSuchBucket")


def test_parts_grow_with_the_file_so_that_s3s_limit_of_parts_is_kept() -> None:
    assert part_bytes(1) == PART_BYTES
    huge = 5 * 2**40
    assert -(-huge // part_bytes(huge)) <= 10_000


@pytest.mark.parametrize("path", ["s3/upload/", "s3/folder/", "s3/upload/start/", "s3/upload/finish/"])
def test_what_changes_something_is_not_done_by_a_link(client: Client, local: Connection, path: str) -> None:
    assert client.get(f"/local/{path}").status_code == 405


def test_records_of_any_bytes_are_shown(client: Client, bucket: str, local: Connection) -> None:
    lines = [
        rb'{"recordId":"half \ud83d"}',
        b"[" * 40_000 + b"]" * 40_000,
        b"[" + b"9" * 5000 + b"]",
        b'{"a":"\0\xff"}',
    ]
    uri = put(local, bucket, "odd.jsonl", b"\n".join(lines) + b"\n")
    response = client.get("/local/s3/object/", {"uri": uri})
    assert response.status_code == 200
    assert response.text.count('class="expandable record"') == len(lines)


def change(client: Client, verb: str, uri: str, **data: str) -> Any:
    return client.post(f"/local/s3/object/{verb}/?{urlencode({'uri': uri})}", data, follow=True)


def test_an_object_is_deleted_after_a_question_and_recorded(client: Client, bucket: str, local: Connection) -> None:
    uri = put(local, bucket, "input/old.jsonl")
    assert "can't undo this action" in client.get(f"/local/s3/object/delete/?uri={uri}").text
    assert "old.jsonl was deleted" in change(client, "delete", uri).text
    assert "old.jsonl" not in names(table(client, f"uri=s3://{bucket}/input/"))
    assert Event.objects.filter(verb=Verb.OBJECT_DELETED).get().data == {"s3_uri": uri}


@pytest.mark.parametrize("verb", ["delete", "rename"])
@pytest.mark.parametrize("read", ["", "input", "input/", "input/old.jsonl"])
def test_what_a_job_that_has_not_ended_reads_stays_as_it_is(
    client: Client, bucket: str, local: Connection, make_job: MakeJob, verb: str, read: str
) -> None:
    uri = put(local, bucket, "input/old.jsonl")
    make_job("reader", "InProgress", input_s3_uri=f"s3://{bucket}/{read}")
    page = change(client, verb, uri, name="new.jsonl").text
    assert "have not ended read this object" in page
    assert "old.jsonl" in names(table(client, f"uri=s3://{bucket}/input/"))


def test_an_object_is_renamed_and_recorded(client: Client, bucket: str, local: Connection) -> None:
    uri = put(local, bucket, "input/old one.jsonl", b"{}")
    assert "old one.jsonl was renamed to new.jsonl." in change(client, "rename", uri, name="new.jsonl").text
    assert s3.get_range(local.target, bucket, "input/new.jsonl") == b"{}"
    assert "old one.jsonl" not in names(table(client, f"uri=s3://{bucket}/input/"))
    found = Event.objects.filter(verb=Verb.OBJECT_RENAMED).get().data
    assert found == {"s3_uri": uri, "to": f"s3://{bucket}/input/new.jsonl"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "Enter a name."),
        ("old.jsonl", "Enter another name than it has."),
        ("two words.jsonl", "accept a space in a location"),
        ("records.jsonl", "records.jsonl exists already."),
        ("x" * 1030, "1024"),
    ],
)
def test_a_name_that_an_object_cannot_have_is_refused(
    client: Client, bucket: str, local: Connection, name: str, said: str
) -> None:
    uri = put(local, bucket, "input/old.jsonl")
    assert said in change(client, "rename", uri, name=name).text
    assert "old.jsonl" in names(table(client, f"uri=s3://{bucket}/input/"))


def test_an_administrator_makes_a_bucket(client: Client, person: User, local: Connection) -> None:
    name = f"made-{uuid4().hex[:12]}"
    assert client.post("/local/s3/bucket/", {"name": name}).status_code == 403
    grant(person, "Administrator")
    client.force_login(User.objects.get(pk=person.pk), backend="django.contrib.auth.backends.ModelBackend")
    assert 'name="name"' in client.get("/local/s3/?add=bucket").text
    said = [client.post("/local/s3/bucket/", {"name": each}, follow=True).text for each in ("Big", name)]
    assert "The bucket name must not contain uppercase" in said[0]
    assert f"The bucket {name} was created." in said[1]
    assert name in client.get("/local/s3/", {"find": name}).text
    assert Event.objects.filter(verb=Verb.BUCKET_CREATED).exists()
