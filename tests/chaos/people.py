"""The people of a run: each is a thread that does one thing after the other, through pages, the API or the verbs."""

import itertools
import json
import random
import threading
from collections.abc import Callable
from typing import Any

from django.db import Error, close_old_connections, connection

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs import bulk_actions, lifecycle
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob, IllegalTransition, MadeInput, Status
from batchconsole.jobs.on_demand.order import Order
from batchconsole.jobs.queue import waiting
from batchconsole.jobs.repeating import schedules
from batchconsole.jobs.states import ENDED
from tests.chaos.callers import Browser, Program, Unanswered
from tests.chaos.ledger import Ledger, Outcome
from tests.chaos.scene import BUCKET, MODELS, OPENAI_NAME, Input, Scene, lines

NEWEST = 60  # of which people choose the job that they act on
BATCH_REQUESTS = 40
LARGE_BATCH_TEXT = "y" * 230_000  # with it, the file of a batch is written to S3 in parts


class Person(threading.Thread):
    """Does things until *stopping* is set, with a pause of about *pause* seconds after each."""

    numbers = itertools.count(1)

    def __init__(
        self, scene: Scene, ledger: Ledger, rng: random.Random, stopping: threading.Event, *, url: str, pause: float
    ) -> None:
        super().__init__(daemon=True, name=f"person-{next(self.numbers)}")
        self.scene, self.ledger, self.rng, self.stopping, self.pause = scene, ledger, rng, stopping, pause
        self.browser = Browser(url, ledger, session=scene.session)
        self.program = Program(url, ledger, token=scene.token)
        self.own = itertools.count(1)
        self.deeds: dict[Callable[[], None], float] = {
            self.create_by_form: 8,
            self.create_by_program: 8,
            self.create_by_verb: 5,
            self.stop_one: 3,
            self.stop_many: 2,
            self.hold_and_release: 2,
            self.move: 1,
            self.resend: 3,
            self.submit_resend: 3,
            self.put_file: 2,
            self.run_schedule: 2,
            self.order_batch: 1,
            self.create_on_demand: 1,
            self.make_input: 0.5,
        }

    def run(self) -> None:
        while not self.stopping.wait(self.rng.uniform(0.2, 1.8) * self.pause):
            deed = self.rng.choices(list(self.deeds), list(self.deeds.values()))[0]
            close_old_connections()
            try:
                deed()
            except (Unanswered, UserError, AwsError, IllegalTransition):
                self.ledger.count("refused")
            except Error:
                self.ledger.count("database away")
                connection.close()
            else:
                self.ledger.count(deed.__name__)
        connection.close()

    # Creating

    def create_by_form(self) -> None:
        name, fields, check = self._wanted("form")
        self.ledger.note(name, self.browser.create(fields, check=check, times=self.rng.choice([1, 1, 1, 2])))

    def create_by_program(self) -> None:
        name, fields, check = self._wanted("api")
        self.ledger.note(name, self.program.create(fields, check=check, key=name))

    def create_by_verb(self) -> None:
        name, fields, check = self._wanted("verb")
        self._create(name, fields, check_input=check)

    def _wanted(self, how: str) -> tuple[str, dict[str, Any], bool]:
        scene = self.scene
        source = self.rng.choices([*scene.inputs, scene.malformed, scene.large], [8, 6, 4, 2, 0.4])[0]
        return *self._named(how, source), source is scene.malformed or self.rng.random() < 0.6

    def _named(self, how: str, source: Input) -> tuple[str, dict[str, Any]]:
        name = f"{how}-{self.name}-{next(self.own)}"
        return name, self.scene.fields(name, source, self.rng.choice(MODELS))

    def _create(self, name: str, fields: dict[str, Any], **options: Any) -> None:
        self.ledger.note(name, Outcome.UNKNOWN)  # unless the verb returns
        request = JobRequest(**fields)
        try:
            lifecycle.create_job(connection=self.scene.connection, actor=self.scene.person, request=request, **options)
        except (UserError, AwsError):
            self.ledger.note(name, Outcome.REFUSED)
            raise
        self.ledger.note(name, Outcome.ACCEPTED)

    def create_on_demand(self) -> None:
        """Create a job whose records a worker sends one by one."""
        name, fields = self._named("on-demand", self.rng.choice(self.scene.inputs))
        self._create(name, fields, on_demand=Order())

    def make_input(self) -> None:
        """Have an input made of a table; it is long enough for a worker to be killed meanwhile."""
        name = f"made-{self.name}-{next(self.own)}"
        asked = {"source_s3_uri": self.scene.table, "output_s3_uri": f"s3://{BUCKET}/made/{name}.jsonl"}
        body = asked | {"template": "{id}: {text}", "record_id_column": "id", "shape": "converse"}
        answer = self.program.post("inputs/", body, key=name)
        if answer.status_code in (200, 201):
            self.ledger.inputs.add(asked["output_s3_uri"])

    # Changing

    def _jobs(self, *statuses: str) -> list[BatchJob]:
        newest = BatchJob.objects.select_related("connection").order_by("-pk")[:NEWEST]
        return [job for job in newest if job.status in statuses or (not statuses and job.status not in ENDED)]

    def _choose(self, *statuses: str) -> BatchJob:
        jobs = self._jobs(*statuses)
        if not jobs:
            raise UserError("There is no such job now.")
        return self.rng.choice(jobs)

    def stop_one(self) -> None:
        job = self._choose()
        if self.rng.random() < 0.5:
            self.program.post(f"jobs/{job.pk}/stop")
        else:
            lifecycle.stop(job, self.scene.person)

    def stop_many(self) -> None:
        jobs = self._jobs()
        keys = [job.pk for job in self.rng.sample(jobs, min(len(jobs), self.rng.randint(2, 5)))]
        if len(keys) < 2:
            return
        if self.rng.random() < 0.5:
            self.ledger.note_bulk(self.browser.stop_many(keys))
            return
        chosen: Any = BatchJob.objects.filter(pk__in=keys)
        bulk_actions.request_stop(connection=self.scene.connection, actor=self.scene.person, jobs=chosen)
        self.ledger.note_bulk(Outcome.ACCEPTED)

    def hold_and_release(self) -> None:
        job = self._choose(Status.QUEUED, Status.CHECKING)
        waiting.hold(job, self.scene.person)
        self.stopping.wait(self.rng.uniform(0, 2))
        self.program.post(f"jobs/{job.pk}/unhold", {"comment": ""})

    def move(self) -> None:
        job = self._choose(Status.QUEUED)
        waiting.move_to_front(job, self.scene.person)

    # Sending again

    def resend(self) -> None:
        job = self.rng.choice([each for each in BatchJob.objects.order_by("-pk")[:NEWEST] if each.can_resend] or [None])
        if job:
            self.program.post(f"jobs/{job.pk}/resend", {}, key=f"resend-{self.name}-{next(self.own)}")

    def submit_resend(self) -> None:
        """Create the job of an input with records to send again that has none yet."""
        done = MadeInput.objects.filter(resend_of__isnull=False, state=MadeInput.State.DONE).order_by("-pk")
        made = done.exclude(output_s3_uri__in=BatchJob.objects.values("input_s3_uri")).first()
        if made and made.resend_of:
            name, fields = self._named("resend", Input(made.output_s3_uri, made.records))
            fields["model_id"] = made.resend_of.model_id
            self._create(name, fields, resend_of=made.resend_of)

    # Schedules and batches

    def put_file(self) -> None:
        name = f"{self.name}-{next(self.own)}"
        s3.put_object(self.scene.connection.target, BUCKET, f"watched/{name}.jsonl", lines(20, text=name))
        self.ledger.files.add(name)

    def run_schedule(self) -> None:
        schedule, token = self.rng.choice(self.scene.rules), f"{self.rng.getrandbits(128):032x}"
        self.ledger.runs[token] = Outcome.UNKNOWN
        schedules.run_now(schedule, self.scene.person, token=token)
        self.ledger.runs[token] = Outcome.ACCEPTED

    def order_batch(self) -> None:
        """Order an OpenAI batch; one in three has a file that is written to S3 in parts."""
        text = LARGE_BATCH_TEXT if self.rng.random() < 0.33 else "Say it."
        content = b"".join(self._request(number, text) for number in range(BATCH_REQUESTS))
        answer, _ = self.program.ask(
            "POST", "openai/local/v1/files", data={"purpose": "batch"}, files={"file": ("requests.jsonl", content)}
        )
        if answer.status_code == 200:
            body = {"input_file_id": answer.json()["id"], "endpoint": "/v1/chat/completions"}
            key = {"Idempotency-Key": f"batch-{self.name}-{next(self.own)}"}
            window = {"completion_window": "24h"}
            made, _ = self.program.ask("POST", "openai/local/v1/batches", json=body | window, headers=key)
            if made.status_code == 200:
                self.ledger.batches[made.json()["id"]] = BATCH_REQUESTS

    @staticmethod
    def _request(number: int, text: str) -> bytes:
        body = {"model": OPENAI_NAME, "messages": [{"role": "user", "content": f"{number} {text}"}]}
        line = {"custom_id": f"r{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}
        return json.dumps(line).encode() + b"\n"
