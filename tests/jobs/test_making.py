"""Input made of uploads and S3 objects: what is looked at, what is written, and what a lost worker leaves."""

import json
import os
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow
import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pyarrow import parquet
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.jobs import clock
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.inputs import making
from batchconsole.jobs.inputs.input_sources import Source, from_s3, from_upload, look, read_records
from batchconsole.jobs.inputs.making_orders import Order
from batchconsole.jobs.leases import MOST_LOSSES, LeaseLost
from batchconsole.jobs.models import Connection, Event, MadeInput, Verb
from batchconsole.jobs.s3 import uploads
from batchconsole.jobs.s3.refusals import ObjectInUse
from batchconsole.jobs.s3.storage import Storage
from batchconsole.records.making import Recipe, RecipeError
from batchconsole.records.tables import TableError
from tests.factories import make_job
from tests.jobs.conftest import die, held

pytestmark = pytest.mark.django_db
State = MadeInput.State
Commits = DjangoCaptureOnCommitCallbacks
RECIPE = Recipe(template="Answer: {question}", record_id_column="id")
CSV = b"id,question\na,Why?\nb,How?\n"
OPENAI = json.dumps({"custom_id": "r1", "body": {"messages": [{"role": "user", "content": "Why?"}]}}).encode()


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, settings: Settings) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def bucket(connection: Connection) -> str:
    name = f"making-{uuid4().hex[:12]}"
    s3.create_bucket(connection.target, name)
    return name


def upload(data: bytes) -> str:
    path = uploads.folder() / "arriving"
    path.write_bytes(data)
    return uploads.keep(path, 1)


def uploaded(data: bytes, name: str = "data.csv") -> Source:
    return from_upload(upload(data), name)


def put(connection: Connection, bucket: str, data: bytes, key: str = "in/data.csv") -> str:
    s3.put_object(connection.target, bucket, key, data)
    return f"s3://{bucket}/{key}"


def parquet_bytes(rows: int) -> bytes:
    file = BytesIO()
    ids = [str(number) for number in range(rows)]
    parquet.write_table(pyarrow.table({"id": ids, "question": ["Why?"] * rows}), file)
    return file.getvalue()


def start(
    connection: Connection, bucket: str, data: bytes = CSV, *, recipe: Recipe = RECIPE, **values: Any
) -> MadeInput:
    """A row for an upload of *data*."""
    token = upload(data)
    source = from_upload(token, "data.csv")
    actor = values.pop("actor", None)
    values = {"output_s3_uri": f"s3://{bucket}/made/data.jsonl", **values}
    order = Order(source=source, look=look(source), recipe=recipe, upload=token, **values)
    return making.start_making(connection, actor, order)


def done(made: MadeInput) -> MadeInput:
    making.make_input.run(made.pk)
    made.refresh_from_db()
    return made


def written(connection: Connection, uri: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in s3.get_range(connection.target, *parse_s3_uri(uri)).splitlines()]


def test_it_works(connection: Connection, bucket: str) -> None:
    source = uploaded(CSV)
    uri = f"s3://{bucket}/made/a.jsonl"
    records = read_records(source, look(source).kind, is_foreign=False, recipe=RECIPE)
    assert making.write_records(connection.target, uri, records) == 2
    first, second = written(connection, uri)
    assert first["recordId"] == "a"
    assert second["modelInput"]["messages"][0]["content"] == [{"text": "Answer: How?"}]


def test_a_look_shows_kind_columns_and_first_rows() -> None:
    found = look(uploaded(b"id,question\n" + b"".join(b"%d,Why?\n" % number for number in range(100))))
    assert (found.kind, found.columns, len(found.rows)) == ("csv", ("id", "question"), 3)


def test_the_first_records_are_made_without_reading_on() -> None:
    first = look(uploaded(CSV)).first_records(RECIPE)
    assert [made.record_id for made in first] == ["a", "b"]


def test_another_providers_batch_is_recognised_and_converted(connection: Connection, bucket: str) -> None:
    source = uploaded(OPENAI + b"\n", "batch.jsonl")
    found = look(source)
    assert found.foreign == "OpenAI batch"
    assert found.first_records(Recipe(shape="anthropic"))[0].record_id == "r1"


def test_batch_records_need_no_making() -> None:
    with pytest.raises(UserError, match="batch records already"):
        look(uploaded(b'{"recordId": "1", "modelInput": {}}\n', "a.jsonl"))


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "empty"), (b"id,question\n", "no rows"), (b"\x1f\x8b\x08", "gzip"), (b"a\n\xe9\x81\n", "UTF-8")],
)
def test_a_file_that_is_no_table_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(TableError, match=words):
        look(uploaded(data))


def test_an_object_in_s3_is_a_source(connection: Connection, bucket: str) -> None:
    source = from_s3(Storage(connection, None), put(connection, bucket, CSV))
    assert (source.name, source.size) == ("data.csv", len(CSV))
    assert look(source).columns == ("id", "question")


def test_a_parquet_object_is_read_in_ranges(connection: Connection, bucket: str) -> None:
    source = from_s3(Storage(connection, None), put(connection, bucket, parquet_bytes(1000), "in/a.parquet"))
    records = list(read_records(source, look(source).kind, is_foreign=False, recipe=RECIPE))
    assert (len(records), records[999].record_id) == (1000, "999")


def test_an_object_that_changes_meanwhile_is_noticed(connection: Connection, bucket: str) -> None:
    uri = put(connection, bucket, CSV)
    source = from_s3(Storage(connection, None), uri)
    put(connection, bucket, b"id,question\nz,Other?\n")
    with pytest.raises(AwsError):
        look(source)


@pytest.mark.parametrize("key", ["", "folder/"])
def test_a_folder_is_no_source(connection: Connection, bucket: str, key: str) -> None:
    with pytest.raises(UserError, match="not a folder"):
        from_s3(Storage(connection, None), f"s3://{bucket}/{key}")


def test_a_missing_object_is_told(connection: Connection, bucket: str) -> None:
    with pytest.raises(AwsError) as caught:
        from_s3(Storage(connection, None), f"s3://{bucket}/nothing.csv")
    assert caught.value.code == "NotFound"


def test_a_worker_makes_what_is_large_and_forgets_the_upload(
    connection: Connection,
    bucket: str,
    nudges: list[tuple[str, int]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        made = start(connection, bucket)
    assert nudges == [("make_input", made.pk)]
    done(made)
    assert (made.state, made.records, made.error) == (State.DONE, 2, None)
    assert len(written(connection, made.output_s3_uri)) == 2
    assert list(uploads.folder().iterdir()) == []


def test_many_records_go_in_parts_and_say_how_far_they_are(connection: Connection, bucket: str) -> None:
    rows = b"".join(b"%d,%s\n" % (number, b"x" * 400) for number in range(30_000))
    made = done(start(connection, bucket, b"id,question\n" + rows))
    assert (made.state, made.records) == (State.DONE, 30_000)
    assert s3.head_object(connection.target, bucket, "made/data.jsonl").size > 8 * 2**20


def test_a_bad_row_fails_it_and_leaves_no_object(connection: Connection, bucket: str) -> None:
    made = done(start(connection, bucket, CSV + b"c,\n", recipe=Recipe(template="{question}")))
    assert made.state == State.FAILED
    assert made.error is not None
    assert made.error["message"] == "Row 3: Its prompt is blank."
    assert s3.list_objects(connection.target, bucket, "made/").objects == []


def test_a_recipe_that_does_not_fit_fails_it(connection: Connection, bucket: str) -> None:
    made = done(start(connection, bucket, recipe=Recipe(template="{answer}")))
    assert made.error is not None
    assert "no column answer" in made.error["message"]


def test_an_upload_that_is_gone_fails_it(connection: Connection, bucket: str) -> None:
    made = start(connection, bucket)
    uploads.forget(made.upload)
    assert done(made).error == {
        "message": "The uploaded file is no longer there.",
        "hint": "Choose it again.",
        "code": "",
        "operation": "",
    }


def test_a_missing_bucket_fails_it(connection: Connection) -> None:
    made = done(start(connection, "no-such-bucket-here"))
    assert (made.state, made.error and made.error["code"]) == (State.FAILED, "NoSuchBucket")


def test_s3_away_means_later(nowhere: Connection, bucket: str) -> None:
    made = done(start(nowhere, bucket))
    assert (made.state, made.error and made.error["code"]) == (State.QUEUED, "EndpointUnreachable")
    assert made.due_at is not None
    assert made.due_at > timezone.now()


def test_what_is_done_or_in_good_hands_is_left_alone(connection: Connection, bucket: str) -> None:
    made = start(connection, bucket)
    held(making.make_input, made, state=State.RUNNING)
    assert done(made).state == State.RUNNING


def test_a_lost_worker_s_work_is_taken_over(connection: Connection, bucket: str) -> None:
    made = start(connection, bucket)
    die(held(making.make_input, made, state=State.RUNNING))
    assert done(made).state == State.DONE


def test_an_overtaken_worker_writes_nothing_more(connection: Connection, bucket: str) -> None:
    made = start(connection, bucket)
    late = held(making.make_input, made)
    die(late)
    held(making.make_input, MadeInput.objects.get())
    with pytest.raises(LeaseLost):
        late.write(records=99)
    assert MadeInput.objects.get().records == 0


def test_workers_lost_again_and_again_end_it(connection: Connection, bucket: str) -> None:
    made = start(connection, bucket)
    MadeInput.objects.update(losses=MOST_LOSSES)
    assert done(made).state == State.FAILED
    assert made.error
    assert made.error["code"] == "WorkerLost"


def test_a_tick_finds_it_when_the_nudge_was_lost(
    connection: Connection,
    bucket: str,
    nudges: list[tuple[str, int]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    made = start(connection, bucket)
    with django_capture_on_commit_callbacks(execute=True):
        clock.tick()
        clock.tick()
    assert nudges.count(("make_input", made.pk)) == 1


def small_order(bucket: str) -> Order:
    source = uploaded(CSV)
    return Order(source=source, look=look(source), recipe=RECIPE, output_s3_uri=f"s3://{bucket}/made/data.jsonl")


@pytest.mark.parametrize("make", [making.make_now, making.start_making])
def test_input_that_a_job_still_reads_is_not_made_anew(connection: Connection, bucket: str, make: Any) -> None:
    uri = put(connection, bucket, b"{}", "made/data.jsonl")
    make_job(connection, status="Queued", input_s3_uri=uri)
    with pytest.raises(ObjectInUse):
        make(connection, None, small_order(bucket))
    assert s3.get_range(connection.target, bucket, "made/data.jsonl") == b"{}"


def test_a_worker_replaces_nothing_that_a_job_reads_by_now(connection: Connection, bucket: str) -> None:
    made = start(connection, bucket)
    make_job(connection, status="Queued", input_s3_uri=put(connection, bucket, b"{}", "made/data.jsonl"))
    assert done(made).state == State.FAILED
    assert made.error
    assert "have not ended read this object" in made.error["message"]


@pytest.mark.parametrize("is_small", [True, False])
def test_making_over_an_object_is_recorded(connection: Connection, bucket: str, is_small: bool) -> None:
    uri = put(connection, bucket, b"{}", "made/data.jsonl")
    if is_small:
        making.make_now(connection, None, small_order(bucket))
    else:
        done(start(connection, bucket))
    assert Event.objects.get(verb=Verb.OBJECT_OVERWRITTEN).data == {"s3_uri": uri}


def test_old_rows_are_deleted(connection: Connection, bucket: str) -> None:
    old = start(connection, bucket)
    MadeInput.objects.update(finished_at=timezone.now() - timedelta(days=8), state=State.DONE)
    making.prune()
    assert not MadeInput.objects.filter(pk=old.pk).exists()


def test_an_upload_is_found_by_its_token_only() -> None:
    token = upload(CSV)
    assert uploads.path_of(token).read_bytes() == CSV
    for wrong in ("", "../../console.sqlite3", "0" * 32):
        with pytest.raises(UserError):
            uploads.path_of(wrong)


def test_uploads_of_yesterday_are_forgotten() -> None:
    old = uploads.path_of(upload(CSV))
    os.utime(old, (1, 1))
    upload(CSV)
    assert not old.exists()


def test_a_recipe_is_checked_before_anything_is_written(person: User) -> None:
    with pytest.raises(RecipeError, match="names no column"):
        look(uploaded(CSV)).first_records(Recipe(template="Hello"))


def test_a_small_file_that_holds_much_is_not_made_while_the_page_waits() -> None:
    file = BytesIO()
    value = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 256, "int32"), pyarrow.array(["x" * 10**6]))
    parquet.write_table(pyarrow.table({"question": value}), file, compression="zstd", store_schema=False)
    source = uploaded(file.getvalue(), "a.parquet")
    assert source.size < 1000
    assert not making.is_small(source, look(source), Recipe(template="{question}"))
    assert making.is_small(uploaded(CSV), look(uploaded(CSV)), RECIPE)
