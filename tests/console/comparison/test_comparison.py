"""Several models for one input from the create form, and the page that shows their answers side by side."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from batchconsole.aws import s3
from batchconsole.console.comparison.page import Marks
from batchconsole.jobs import retention
from batchconsole.jobs.models import AnswerMark, BatchJob, Budget, Comparison, Connection, Event, InputSplit, Verb
from batchconsole.jobs.models.job import new_client_request_token
from batchconsole.jobs.outputs import comparing, results
from batchconsole.records.fingerprints import fingerprints
from tests.console.conftest import MODEL, Answer, MakeJob, arn, filled_in
from tests.factories import grant

CREATE = "/local/jobs/create/"
LITE, MICRO = "amazon.nova-lite-v1:0", "amazon.nova-micro-v1:0"
SONNET = "anthropic.claude-3-sonnet-20240229-v1:0"


def asked(number: int) -> dict[str, Any]:
    body = {"messages": [{"role": "user", "content": [{"text": f"Question {number}?"}]}]}
    return {"recordId": f"rec-{number}", "modelInput": body}


def answered(number: int, text: str | None) -> bytes:
    output = {"output": {"message": {"role": "assistant", "content": [{"text": text}]}}, "stopReason": "end_turn"}
    outcome = {"error": {"errorCode": 400, "errorMessage": "Refused."}} if text is None else {"modelOutput": output}
    return json.dumps(asked(number) | outcome).encode() + b"\n"


@pytest.fixture
def jobs(local: Connection, bucket: str, make_job: MakeJob) -> list[BatchJob]:
    """Two ended jobs with the same input of three records, whose results are not read yet."""
    s3.put_object(
        local.target, bucket, "in/a.jsonl", b"".join(json.dumps(asked(n)).encode() + b"\n" for n in (1, 2, 3))
    )
    answers: dict[str, list[str | None]] = {LITE: ["yes", "no", "Maybe"], MICRO: ["Yes.", "yes", None]}
    made = []
    for number, (model_id, texts) in enumerate(answers.items()):
        places = {"input_s3_uri": f"s3://{bucket}/in/", "output_s3_uri": f"s3://{bucket}/out/"}
        job = make_job(f"job-{number}", model_id=model_id, job_arn=arn(f"{number}" * 12), results="pending", **places)
        lines = b"".join(answered(*each) for each in reversed(list(enumerate(texts, 1))))
        s3.put_object(local.target, bucket, f"out/{job.aws_id}/a.jsonl.out", lines)
        made.append(job)
    return made


@pytest.fixture
def compared(local: Connection, person: User, jobs: list[BatchJob]) -> Comparison:
    """The comparison of both, as a worker makes it once their results are read."""
    comparison = comparing.compare_jobs(local, person, jobs)
    for job in jobs:
        results.collect_results(job)
    comparing.compare_answers(comparison)
    comparison.refresh_from_db()
    return comparison


def marked(client: Client, comparison: Comparison, position: int, better: object, **more: Any) -> Answer:
    values = {"position": position, "record_id": json.dumps(f"rec-{position + 1}"), "better": better}
    return client.post(f"{comparison.get_absolute_url()}mark/", values | more)


def test_the_form_creates_a_job_for_each_model_and_a_comparison(
    client: Client, local: Connection, bucket: str, role_arn: str
) -> None:
    values = filled_in(bucket, role_arn=role_arn, request_token=new_client_request_token())
    values["other_model_ids"] = [LITE, f"{MICRO}, {SONNET}"]
    answers = [client.post(CREATE, values) for _ in range(2)]
    comparison = Comparison.objects.get()
    assert [answer["Location"] for answer in answers] == [comparison.get_absolute_url()] * 2
    models = BatchJob.objects.order_by("pk").values_list("job_name", "model_id")
    assert dict(models) == {
        "support-triage-claude-3-haiku": MODEL,
        "support-triage-nova-lite": LITE,
        "support-triage-nova-micro": MICRO,
        "support-triage-claude-3-sonnet": SONNET,
    }
    page = client.get(comparison.get_absolute_url()).text
    assert "0 of 4 jobs ended" in page
    assert "support-triage-nova-lite</a>" in page
    assert "4 batch inference jobs were created." in page
    assert Event.objects.get(verb=Verb.COMPARISON_CREATED).data["comparison"] == comparison.pk


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"other_model_ids": LITE, "model_invocation_type": "InvokeModel"}, "do not take the same records"),
        ({"other_model_ids": MODEL}, "is the model chosen above"),
        ({"other_model_ids": "amazon.titan-embed-text-v2:0"}, "does not take Converse requests"),
        ({"other_model_ids": "no!model"}, "Enter valid model IDs"),
        ({"other_model_ids": ["a.a", "b.b", "c.c", "d.d", "e.e"]}, "Choose up to 4 models. You chose 5."),
        (
            {"other_model_ids": "us.amazon.nova-lite-v1:0", "service_role": "new", "role_name": "new-role"},
            "A new service role may invoke the inference profile of one model.",
        ),
    ],
)
def test_models_that_cannot_share_the_input_are_refused_at_the_field(
    changes: dict[str, Any], words: str, client: Client, connection: Connection
) -> None:
    answer = client.post(CREATE, filled_in(**changes))
    assert words in " ".join(answer.context["form"].errors["other_model_ids"])
    assert not BatchJob.objects.exists()


def test_models_of_one_family_share_the_input_of_invoke_model() -> None:
    comparing.require_one_body(
        [MODEL, SONNET, "arn:aws:bedrock:us-east-1:1:application-inference-profile/x"], "InvokeModel"
    )


def test_a_model_that_the_connection_does_not_allow_is_refused(client: Client, connection: Connection) -> None:
    Connection.objects.update(allowed_models=["anthropic.*"])
    answer = client.post(CREATE, filled_in(other_model_ids=LITE))
    assert "does not allow the model" in answer.context["form"].errors["other_model_ids"][0]


def test_a_budget_that_one_of_the_jobs_exceeds_lets_none_be_created(
    client: Client, local: Connection, bucket: str, role_arn: str
) -> None:
    Budget.objects.create(connection=local, usd_per_month="0.01", above="refuse")
    BatchJob.objects.create(connection=local, job_name="earlier", status="Queued", estimate_usd="0.02")
    answer = client.post(CREATE, filled_in(bucket, role_arn=role_arn, other_model_ids=LITE))
    assert answer.status_code == 200
    assert list(BatchJob.objects.values_list("job_name", flat=True)) == ["earlier"]
    assert not Comparison.objects.exists()


def test_an_input_to_split_goes_to_one_model(client: Client, local: Connection, bucket: str, role_arn: str) -> None:
    values = filled_in(bucket, role_arn=role_arn, other_model_ids=LITE, split=1)
    assert client.post(CREATE, values).status_code == 200
    assert not InputSplit.objects.exists()


def test_different_answers_come_first_side_by_side(client: Client, compared: Comparison) -> None:
    page = client.get(compared.get_absolute_url()).text
    places = [page.index(f'id="record-{position}"') for position in (1, 2, 0)]
    assert places == sorted(places)
    for words in ("Different answers", "Not every model answered", "Same answer", "Refused.", "Maybe", "Question 2?"):
        assert words in page
    only = client.get(f"{compared.get_absolute_url()}?only=same").text
    assert 'id="record-0"' in only
    assert 'id="record-1"' not in only
    assert "rec-2" in client.get(f"{compared.get_absolute_url()}?find=rec-2").text


def test_a_page_starts_where_the_last_one_ended(client: Client, compared: Comparison) -> None:
    shown = client.get(f"{compared.get_absolute_url()}?since=1").context["shown"]
    assert [row.row.position for row in shown.rows] == [2, 0]
    assert (shown.slice.previous, shown.slice.next) == (0, None)
    assert "Records 2 to 3 of 3" in client.get(f"{compared.get_absolute_url()}?since=1").text


def test_a_mark_is_counted_changed_and_taken_back(client: Client, compared: Comparison) -> None:
    answer = marked(client, compared, 1, 2, only="different")
    assert answer["Location"] == f"{compared.get_absolute_url()}?only=different#record-1"
    assert comparing.marks_by_job(compared) == {2: 1}
    assert 'id="side-marks-2">1<' in client.get(compared.get_absolute_url()).text
    marked(client, compared, 1, 0)
    assert comparing.marks_by_job(compared) == {comparing.TIE: 1}
    marked(client, compared, 1, "none")
    assert not AnswerMark.objects.exists()
    assert [event.data["better"] for event in Event.objects.filter(verb=Verb.ANSWER_MARKED).order_by("pk")] == [
        "job-1",
        "tie",
        "none",
    ]


def test_a_script_gets_the_buttons_and_the_counts(client: Client, compared: Comparison) -> None:
    values = {"position": 1, "record_id": '"rec-2"', "better": 1, "only": "different"}
    part = client.post(f"{compared.get_absolute_url()}mark/", values, headers={"HX-Request": "true"}).text
    assert 'id="mark-1-1" type="submit" name="better" value="none" aria-pressed="true"' in part
    assert '<div hx-swap-oob="innerHTML:#side-marks-1">1</div>' in part
    assert '<input type="hidden" name="only" value="different">' in part


@pytest.mark.parametrize(
    "values",
    [
        {"position": 9},
        {"position": "x"},
        {"better": 7},
        {"better": ""},
        {"record_id": '"rec-1"'},
        {"record_id": "rec-2"},
        {"record_id": "\0"},
        {"record_id": "7"},
        {"record_id": r'"\ud800"'},
        {"record_id": "[" * 10_000},
    ],
)
def test_a_mark_of_what_is_not_there_is_refused(values: dict[str, Any], client: Client, compared: Comparison) -> None:
    asked_for = {"position": 1, "record_id": '"rec-2"', "better": 1} | values
    assert client.post(f"{compared.get_absolute_url()}mark/", asked_for).status_code == 409
    assert not AnswerMark.objects.exists()


@pytest.mark.parametrize("record_id", ["a\nb", "a\r\nb", "a\rb", "a\0b", '"a" & <b>', "\u2028"])
def test_a_record_of_any_id_can_be_marked(record_id: str, client: Client, compared: Comparison) -> None:
    known = compared.compared
    assert known
    known.base.ids[1] = next(fingerprints([record_id]))
    Comparison.objects.update(packed=known.pack())
    sent = Marks(1, record_id, [], []).form_id
    assert sent.isprintable()
    assert sent.isascii()
    assert marked(client, compared, 1, 2, record_id=sent).status_code == 302
    assert AnswerMark.objects.get().record_id == record_id.replace("\0", "\ufffd")


def test_who_may_only_read_sees_answers_and_marks_nothing(compared: Comparison, local: Connection) -> None:
    reader, viewer = (User.objects.create_user(name) for name in ("reader", "viewer"))
    grant(reader, "Reader", local)
    grant(viewer, "Viewer", local)
    pages = []
    for user in (reader, viewer):
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        pages.append(client.get(compared.get_absolute_url()).text)
        assert marked(client, compared, 1, 1).status_code == 403
    assert "Maybe" in pages[0]
    assert "mark-choices" not in pages[0]
    assert "Maybe" not in pages[1]


def test_the_marks_are_exported_with_the_answers(client: Client, compared: Comparison) -> None:
    marked(client, compared, 1, 2)
    marked(client, compared, 0, 0)
    file = client.get(f"{compared.get_absolute_url()}marks.csv")
    rows = list(csv.DictReader(io.StringIO(file.getvalue().decode())))
    assert [(row["record_id"], row["better_job"], row["marked_by"]) for row in rows] == [
        ("rec-1", "tie", "ada"),
        ("rec-2", "job-1", "ada"),
    ]
    assert (rows[1]["answer of job-0"], rows[1]["answer of job-1"]) == ("no", "yes")
    lines = client.get(f"{compared.get_absolute_url()}marks.jsonl").getvalue().splitlines()
    assert [each["answer"] for each in json.loads(lines[1])["answers"]] == ["no", "yes"]
    assert client.get(f"{compared.get_absolute_url()}marks.xlsx").status_code == 404


def test_only_what_one_has_not_marked_is_left(client: Client, compared: Comparison) -> None:
    marked(client, compared, 1, 2)
    rows = client.get(f"{compared.get_absolute_url()}?only=unmarked").context["shown"].rows
    assert [row.row.position for row in rows] == [2, 0]
    rows = client.get(f"{compared.get_absolute_url()}?only=marked").context["shown"].rows
    assert [row.row.position for row in rows] == [1]


def test_jobs_of_the_list_are_compared_once(client: Client, compared: Comparison, jobs: list[BatchJob]) -> None:
    keys = [job.pk for job in jobs]
    page = client.get("/local/jobs/compare/", {"job": keys}).text
    assert "Compare answers" in page
    assert client.post("/local/comparisons/create/", {"job": keys})["Location"] == compared.get_absolute_url()
    assert "job-0 and job-1" in client.get("/local/comparisons/").text
    assert f'<a href="{compared.get_absolute_url()}">job-0 and job-1</a>' in client.get(jobs[1].get_absolute_url()).text


def test_jobs_with_different_input_have_no_answers_to_compare(client: Client, make_job: MakeJob) -> None:
    keys = [make_job(name, input_s3_uri=f"s3://b/{name}/").pk for name in "ab"]
    assert "Compare answers" not in client.get("/local/jobs/compare/", {"job": keys}).text
    answer = client.post("/local/comparisons/create/", {"job": keys}, follow=True)
    assert "These jobs have different input." in answer.text


def test_results_that_are_read_again_are_compared_again(
    client: Client, compared: Comparison, jobs: list[BatchJob]
) -> None:
    marked(client, compared, 1, 2)
    results.request_results(jobs[1], None)
    results.collect_results(jobs[1])
    compared.refresh_from_db()
    assert compared.due_at is not None
    assert "Comparing the answers" in client.get(compared.get_absolute_url()).text
    comparing.compare_answers(compared)
    compared.refresh_from_db()
    assert compared.due_at is None
    assert "Compared" in client.get(compared.get_absolute_url()).text
    assert comparing.marks_by_job(compared) == {2: 1}


def test_an_input_that_is_gone_leaves_the_outputs_to_compare(
    client: Client, compared: Comparison, local: Connection, bucket: str
) -> None:
    s3.delete_object(local.target, bucket, "in/a.jsonl")
    client.post(f"{compared.get_absolute_url()}again/")
    comparing.compare_answers(compared)
    page = client.get(compared.get_absolute_url()).text
    assert "The input cannot be read any more" in page
    assert "Different answers" in page


def test_it_is_deleted_with_its_marks_and_the_jobs_stay(client: Client, compared: Comparison) -> None:
    marked(client, compared, 1, 2)
    client.post(f"{compared.get_absolute_url()}delete/")
    assert not Comparison.objects.exists()
    assert not AnswerMark.objects.exists()
    assert BatchJob.objects.count() == 2
    assert Event.objects.get(verb=Verb.COMPARISON_DELETED).data["marks"] == 1


def test_a_job_that_is_gone_leaves_its_column(client: Client, compared: Comparison) -> None:
    compared.jobs.filter(number=2).update(job=None)
    page = client.get(compared.get_absolute_url()).text
    assert "Deleted" in page
    assert "Maybe" in page


def test_old_comparisons_lose_what_can_be_read_again(client: Client, compared: Comparison, settings: Any) -> None:
    settings.RESULT_DAYS = 30
    marked(client, compared, 1, 2)
    Comparison.objects.update(read_at=timezone.now() - timedelta(days=31))
    retention.prune()
    compared.refresh_from_db()
    assert compared.compared is None
    assert AnswerMark.objects.count() == 1
    assert client.get(compared.get_absolute_url()).status_code == 200


@pytest.mark.parametrize("button", ["save_template", "save_as_schedule"])
def test_what_keeps_one_model_says_that_the_others_were_left_out(
    button: str, client: Client, local: Connection
) -> None:
    values = filled_in(keep_as="Triage", other_model_ids=LITE, check_input="on") | {button: "1"}
    assert "The other models of the form were left out." in client.post(CREATE, values, follow=True).text


def test_the_form_says_whose_cost_is_told_where_several_models_are_chosen(client: Client, local: Connection) -> None:
    assert "The cost that Check input tells is that of the model above" in client.get(CREATE).text
