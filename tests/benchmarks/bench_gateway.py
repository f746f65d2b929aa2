"""What the gateway costs: processor time of Create and List, against the local Bedrock and the console's own submit."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import boto3
import psutil
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from django.contrib.auth.models import User
from django.test import override_settings

from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs.lifecycle import create_job, submit
from batchconsole.jobs.models import Connection, ModelLimit, Right
from batchconsole.jobs.rights.api_keys import create_api_key, signing_secret
from tests.api.conftest import HOST, ONE_ATTEMPT, carry
from tests.benchmarks.many_jobs import scratch_database
from tests.benchmarks.row import Row
from tests.conftest import ACCOUNT, REGION, aws_client, free_port, local_aws, running
from tests.factories import MODEL

CREATED, LISTED, LISTS, ROUNDS = 100, 1_000, 4, 5


def main() -> Iterator[Row]:
    """A row for Create and one for List."""
    loopback = override_settings(ALLOWED_ENDPOINTS=["127.0.0.1"], DATA_DIR="/tmp")
    with loopback, TemporaryDirectory() as folder, scratch_database(), local_stack(Path(folder)) as (url, server):
        connection = make_connection(url)
        ours, theirs = client_of(connection), aws_client("bedrock", url)
        yield creating(ours, theirs, server, connection)
        repeat(LISTED - CREATED, lambda: theirs.create_model_invocation_job(**asked()))
        repeat(LISTED - CREATED, lambda: submitted(connection))
        yield listing(ours, theirs, server)


def creating(ours: Any, theirs: Any, server: psutil.Process, connection: Connection) -> Row:
    def round_of() -> tuple[float, float]:
        times = CREATED // ROUNDS
        direct = server_time(server, lambda: repeat(times, lambda: theirs.create_model_invocation_job(**asked())))
        submitting = own_time(lambda: repeat(times, lambda: submitted(connection)))
        console = console_time(lambda: repeat(times, lambda: ours.create_model_invocation_job(**asked())))
        return console, direct + submitting

    return paired("gateway, Create", round_of, at_most=1.3)


def listing(ours: Any, theirs: Any, server: psutil.Process) -> Row:
    def round_of() -> tuple[float, float]:
        there = server_time(server, lambda: repeat(LISTS, lambda: theirs.list_model_invocation_jobs(maxResults=LISTED)))
        here = console_time(lambda: repeat(LISTS, lambda: ours.list_model_invocation_jobs(maxResults=LISTED)))
        return here, there

    return paired("gateway, List of 1,000 jobs", round_of, at_most=1)


def paired(what: str, round_of: Callable[[], tuple[float, float]], *, at_most: float) -> Row:
    """The median of the ratios of several rounds, each of which measures both sides: other work slows both alike."""
    round_of()
    rounds = [round_of() for _ in range(ROUNDS)]
    note = "; ".join(f"{ours:.2f} s and {theirs:.2f} s" for ours, theirs in rounds)
    return Row(what, median(ours / theirs for ours, theirs in rounds), at_most=at_most, note=note)


@contextmanager
def local_stack(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The URL and the process of a local Bedrock that takes any number of jobs and begins none."""
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}
    patient = {"--submitted-seconds": "3600", "--max-jobs-per-model": "100000"}
    with local_aws(folder) as (aws, _):
        options = {"--port": port, "--data-dir": str(folder), "--aws-endpoint-url": aws, "--model": "echo", **patient}
        arguments = [text for option in options.items() for text in option]
        with running(
            "batchconsole.localbedrock", *arguments, environment=keys, url=f"{url}/healthz", log=folder / "log"
        ) as process:
            yield url, psutil.Process(process.pid)


def make_connection(url: str) -> Connection:
    ModelLimit.objects.create(jobs_at_once=1_000_000)
    return Connection.objects.create(
        name="local",
        title="Local stack",
        region=REGION,
        account_id=ACCOUNT,
        bedrock_endpoint_url=url,
        credentials=Connection.Credentials.LOCAL,
    )


def client_of(connection: Connection) -> Any:
    """boto3 at the gateway, in this process, signing with a key of a superuser's."""
    user = User.objects.create_superuser("grace-hopper")
    key, _ = create_api_key(user=user, name="bench", rights=list(Right))
    pair = {"aws_access_key_id": key.key_id, "aws_secret_access_key": signing_secret(key.key_id)}
    url = f"{HOST}/aws/{connection.name}"
    client = boto3.client("bedrock", endpoint_url=url, region_name=REGION, config=ONE_ATTEMPT, **pair)
    client.meta.events.register("before-send.bedrock", timed_carry)
    return client


def request() -> JobRequest:
    role = f"arn:aws:iam::{ACCOUNT}:role/batch"
    name, source, sink = f"job-{uuid4().hex}", "s3://bucket/in/", "s3://bucket/out/"
    return JobRequest(job_name=name, model_id=MODEL, role_arn=role, input_s3_uri=source, output_s3_uri=sink)


def asked() -> dict[str, Any]:
    return request().to_api()


def submitted(connection: Connection) -> None:
    submit(create_job(connection=connection, actor=None, request=request(), is_nudged=False))


def repeat(times: int, do: Callable[[], object]) -> None:
    for _ in range(times):
        do()


def own_time(do: Callable[[], object]) -> float:
    """The processor time that this process takes, in seconds."""
    before = time.process_time()
    do()
    return time.process_time() - before


class Answering:
    """How long the console has worked at its answers, in seconds of processor time, without the client around it."""

    seconds = 0.0


def timed_carry(request: AWSPreparedRequest, **options: Any) -> AWSResponse:
    before = time.process_time()
    answer = carry(request, **options)
    Answering.seconds += time.process_time() - before
    return answer


def console_time(do: Callable[[], object]) -> float:
    before = Answering.seconds
    do()
    return Answering.seconds - before


def server_time(server: psutil.Process, do: Callable[[], object]) -> float:
    """The processor time that *server* takes meanwhile, in seconds."""
    before = sum(server.cpu_times()[:2])
    do()
    return float(sum(server.cpu_times()[:2])) - float(before)
