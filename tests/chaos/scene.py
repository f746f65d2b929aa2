"""What people work with: a bucket with inputs, a role, people with a session or a key, channels and schedules."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from batchconsole.aws import iam, s3
from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs.models import Connection, ModelLimit, NotificationChannel, Right, Schedule
from batchconsole.jobs.notifications import channels
from batchconsole.jobs.occasions import CHOICES
from batchconsole.jobs.repeating import schedules
from batchconsole.jobs.rights.api_keys import create_api_key
from tests.conftest import ACCOUNT

BUCKET = "chaos"
MODELS = ("amazon.nova-micro-v1:0", "amazon.nova-lite-v1:0")
CONVERSE = "Converse"
BACKEND = "django.contrib.auth.backends.ModelBackend"
JOBS_AT_ONCE = 8  # fewer than people create, so that there is a queue
LONG = "x" * 5000
TABLE_ROWS = 30_000
OPENAI_NAME = "gpt-4o-mini"


@dataclass(frozen=True)
class Input:
    """An input, and how many of its records fail."""

    uri: str
    records: int
    failing: int = 0


@dataclass
class Scene:
    """Everything that the people of a run need."""

    connection: Connection
    person: User
    session: str
    token: str
    role_arn: str
    inputs: list[Input]
    large: Input
    malformed: Input
    table: str
    live: NotificationChannel
    dead: NotificationChannel
    rules: list[Schedule] = field(default_factory=list)
    folder: Schedule | None = None

    def fields(self, name: str, source: Input, model: str) -> dict[str, Any]:
        """Return the fields of the request of a job."""
        return {
            "job_name": name,
            "model_id": model,
            "model_invocation_type": CONVERSE,
            "input_s3_uri": source.uri,
            "output_s3_uri": f"s3://{BUCKET}/out/",
            "role_arn": self.role_arn,
        }


def lines(count: int, *, failing: int = 0, text: str = "", prompt: str = "Say it.") -> bytes:
    """Return *count* records in JSON lines; the echo model refuses the first *failing* ones."""

    def records() -> Iterator[dict[str, Any]]:
        for number in range(count):
            said = f"[[fail: 400 no]] {number}" if number < failing else f"{prompt} {number} {text}"
            body = {"messages": [{"role": "user", "content": [{"text": said}]}]}
            yield {"recordId": f"rec-{number:05}", "modelInput": body}

    return b"".join(json.dumps(each).encode() + b"\n" for each in records())


def prepare(receiver_url: str, dead_url: str) -> Scene:
    """Make the scene in an empty console whose stack runs."""
    connection = Connection.objects.get(name="local")
    target = connection.target
    s3.create_bucket(target, BUCKET)
    ModelLimit.objects.create(jobs_at_once=JOBS_AT_ONCE, min_records_per_job=1)
    places = {"input_s3_uri": f"s3://{BUCKET}/", "output_s3_uri": f"s3://{BUCKET}/", "model_id": MODELS[0]}
    asked = JobRequest.from_fields(places)
    role_arn = iam.create_service_role(target, asked, role_name="chaos", account_id=ACCOUNT)
    connection.openai_role_arn, connection.openai_folder = role_arn, f"s3://{BUCKET}/openai/"
    connection.openai_models = {OPENAI_NAME: MODELS[0]}
    connection.save()
    person = User.objects.create_superuser("chaos")
    client = Client()
    client.force_login(person, BACKEND)
    return Scene(
        connection=connection,
        person=person,
        session=str(client.session.session_key),
        token=create_api_key(user=person, name="chaos", rights=list(Right))[1],
        role_arn=role_arn,
        inputs=[
            put(target, "plain", lines(100), records=100),
            put(target, "failing", lines(100, failing=7), records=100, failing=7),
            put(target, "slow", lines(60, failing=2, prompt="[[sleep: 0.2]] Say it."), records=60, failing=2),
        ],
        large=put(target, "large", lines(2500, text=LONG), records=2500),
        malformed=put(target, "malformed", lines(50) + b"{no json\n", records=51),
        table=put_table(target),
        live=channel(connection, person, name="live", url=receiver_url),
        dead=channel(connection, person, name="dead", url=dead_url),
    )


def put(target: Any, name: str, content: bytes, *, records: int, failing: int = 0) -> Input:
    s3.put_object(target, BUCKET, f"in/{name}/input.jsonl", content)
    return Input(f"s3://{BUCKET}/in/{name}/", records, failing)


def put_table(target: Any) -> str:
    """Put a table from which a worker makes an input that is written to S3 in parts; return its URI."""
    rows = "".join(f"row-{number:05},{LONG[:180]}\n" for number in range(TABLE_ROWS))
    s3.put_object(target, BUCKET, "tables/rows.csv", f"id,text\n{rows}".encode())
    return f"s3://{BUCKET}/tables/rows.csv"


def channel(connection: Connection, person: User, *, name: str, url: str) -> NotificationChannel:
    """Add a webhook of the connection that wants every occasion."""
    wanted = channels.Wanted(name=name, occasions=[code for code, _ in CHOICES], address=url)
    return channels.add_channel(connection, kind=NotificationChannel.Kind.WEBHOOK, wanted=wanted, actor=person)


def schedule(scene: Scene) -> None:
    """Add two schedules of every minute and a watched folder."""
    for missed in (Schedule.Missed.EACH, Schedule.Missed.LATEST):
        name = f"rule-{missed}-{{date:%d}}-{{time:%H%M%S}}"
        request = JobRequest(**scene.fields(name, scene.inputs[0], MODELS[0]))
        wanted = {"title": f"rule {missed}", "kind": Schedule.Kind.RULE, "rule": "* * * * *", "missed": missed}
        scene.rules.append(create_schedule(scene, request, wanted))
    fields = scene.fields("folder-{file}", scene.inputs[0], MODELS[1]) | {"input_s3_uri": ""}
    wanted = {"title": "folder", "kind": Schedule.Kind.FOLDER, "folder_s3_uri": f"s3://{BUCKET}/watched"}
    scene.folder = create_schedule(
        scene, JobRequest(**fields), wanted | {"interval_minutes": 1, "stable_seconds": 1, "takes_existing": True}
    )


def create_schedule(scene: Scene, request: JobRequest, wanted: dict[str, Any]) -> Schedule:
    return schedules.create_schedule(scene.connection, scene.person, schedules.Wanted(request=request, **wanted))
