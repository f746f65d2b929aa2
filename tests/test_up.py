"""The real `manage.py up`: it starts everything, says when it is ready, and leaves nothing behind."""

import contextlib
import os
import signal
import socket
import stat
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
import requests
from botocore.exceptions import ClientError
from django.core.management import call_command

from batchconsole.datafolder import DataFolder
from batchconsole.setup.paths import AWSCLI
from batchconsole.up.errors import UpError
from batchconsole.up.main import require_ports, warnings
from batchconsole.up.options import Options
from tests.conftest import free_port
from tests.running import READY, Up, run, up

PASSWORD = "correct horse battery staple"
SECRETS = ("GITHUB_TOKEN", "BATCHCONSOLE_ADMIN_PASSWORD", "BATCHCONSOLE_LOCALBEDROCK_MODEL_API_KEY")
OTHERS = ("redis", "aws", "bedrock", "web", "control", "scan", "beat")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("up") / "data"


@pytest.fixture(scope="module")
def stranger(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An unrelated process whose id is in the record of an earlier run."""
    folder.mkdir()
    with subprocess.Popen(["sleep", "3600"]) as process:
        (folder / "up.json").write_text(f'{{"pid": {process.pid}, "run": "a-run-of-old"}}')
        yield process
        process.kill()


@pytest.fixture(scope="module")
def running(folder: Path, stranger: subprocess.Popen[bytes]) -> Iterator[Up]:
    """A first start with the sample and the `echo` model, shared by tests that do not end it."""
    with up(folder, "--model", "echo", **dict.fromkeys(SECRETS, "hidden from the others")) as started:
        yield started


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A first start without the local stack, in a deep folder and with a password."""
    deep = tmp_path_factory.mktemp("bare") / ("a" * 60) / ("b" * 60)
    with up(deep, "--no-local", BATCHCONSOLE_ADMIN_PASSWORD=PASSWORD) as started:
        yield started


@pytest.fixture(scope="module")
def killed(running: Up) -> list[psutil.Process]:
    """The processes of the first start, just killed. From here on the folder of `running` is used by the next ones."""
    client("s3", sourced(running.folder)).create_bucket(Bucket="made-before-the-kill")
    former = running.processes()
    running.process.kill()
    running.process.wait()
    return former


@pytest.fixture(scope="module")
def second(running: Up, killed: list[psutil.Process]) -> Iterator[Up]:
    """The start after the kill."""
    with up(running.folder, "--model", "echo") as started:
        yield started


@pytest.fixture(scope="module")
def used(second: Up) -> Path:
    """The folder of runs that have ended."""
    if second.process.poll() is None:
        second.end()
    return second.folder


def eventually(holds: Callable[[], Any], seconds: float = 180) -> Any:
    """Wait until *holds* returns something true, and return that."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"It did not come true within {seconds} s."
        time.sleep(0.1)
    return found


def client(service: str, environment: dict[str, str]) -> Any:
    """Return a boto3 client configured only by *environment*, the variables of a shell that has sourced `aws.env`."""
    name = "AWS_ENDPOINT_URL_BEDROCK" if service == "bedrock" else "AWS_ENDPOINT_URL"
    return boto3.client(
        service,
        endpoint_url=environment[name],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def sourced(folder: Path) -> dict[str, str]:
    """Return the environment of a real shell that starts without variables and sources `aws.env`."""
    done = subprocess.run(
        ["sh", "-c", f". '{folder}/aws.env' && env"], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def test_it_works(running: Up) -> None:
    assert READY.findall(running.said) == [running.url]
    assert f"Batch Console is ready at {running.url}" in running.lines
    with urllib.request.urlopen(f"{running.url}readyz") as answer:
        assert answer.status == 200


def test_the_link_signs_in_once(running: Up) -> None:
    assert running.use_link(requests.Session()).url == f"{running.url}local/"
    assert running.use_link(requests.Session()).url == f"{running.url}login/"


def test_no_log_holds_the_link(running: Up) -> None:
    requests.get(running.link, timeout=60)
    token = running.link.partition("sesame=")[2]
    assert [path for path in running.folder.glob("logs/*") if token in path.read_text()] == []


def test_any_aws_client_works_with_aws_env(running: Up) -> None:
    environment = sourced(running.folder)
    assert client("sts", environment).get_caller_identity()["Account"] == "123456789012"
    assert [bucket["Name"] for bucket in client("s3", environment).list_buckets()["Buckets"]] == [
        "batchconsole-samples"
    ]


def test_the_keys_are_this_folder_s_own(running: Up) -> None:
    environment = sourced(running.folder)
    assert environment["AWS_ACCESS_KEY_ID"].startswith("AKIA")
    public = environment | {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        client("s3", public).list_buckets()


def test_no_web_page_creates_a_job_at_the_local_bedrock(running: Up) -> None:
    url = f"http://127.0.0.1:{running.bedrock_port}/model-invocation-job"
    assert requests.post(url, json={}, headers={"Origin": "http://evil.example"}, timeout=60).status_code == 403
    assert requests.post(url, data="{}", headers={"Content-Type": "text/plain"}, timeout=60).status_code == 415


@pytest.mark.parametrize(
    "unfinished",
    [
        b"",
        b"GET /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
        b"POST /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2000000\r\n\r\nhalf",
    ],
    ids=["silence", "half a head", "half a body"],
)
def test_sixty_half_open_requests_keep_nobody_out(running: Up, unfinished: bytes) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(socket.create_connection(("127.0.0.1", running.port))).sendall(unfinished)
        assert requests.get(f"{running.url}login/", timeout=60).status_code == 200


def test_nobody_fills_the_disk_without_signing_in(running: Up) -> None:
    """Neither a form nor a page that accepts files stores an upload."""
    form = {"file": ("rows.csv", b"x" * 3_000_000)}
    for page in ("login/", "local/input/new/"):
        answer = requests.post(f"{running.url}{page}", files=form, allow_redirects=False, timeout=60)
        assert answer.status_code in {302, 404, 413}
    assert list(running.folder.glob("uploads/*")) == []


@pytest.mark.parametrize(("host", "count"), [("127.0.0.1", 0), ("localhost", 0), ("::1", 0), ("0.0.0.0", 3), ("::", 3)])
def test_a_console_for_others_says_what_else_it_needs(host: str, count: int) -> None:
    assert len(warnings(host, is_https=False)) == count
    assert warnings(host, is_https=True) == []


def test_each_process_finds_only_what_it_needs_in_its_environment(running: Up) -> None:
    found: dict[str, set[str]] = {name: set() for name in SECRETS}
    for process in running.processes():
        environment = process.environ()
        for name in found.keys() & environment.keys():
            found[name].add(" ".join(process.cmdline()))
    assert found["GITHUB_TOKEN"] == found["BATCHCONSOLE_ADMIN_PASSWORD"] == set()
    assert {"batchconsole.localbedrock" in command for command in found["BATCHCONSOLE_LOCALBEDROCK_MODEL_API_KEY"]} == {
        True
    }


def completed(folder: Path) -> dict[str, Any]:
    """Wait until the sample's job is completed, and return it as the Bedrock API shows it."""
    bedrock = client("bedrock", sourced(folder))

    def job() -> Any:
        found = bedrock.list_model_invocation_jobs(nameContains="welcome")["invocationJobSummaries"]
        return found and found[0]["status"] == "Completed" and found[0]

    return dict(eventually(job))


def test_the_welcome_job_completes_by_itself(running: Up) -> None:
    job = completed(running.folder)
    assert (job["successRecordCount"], job["errorRecordCount"]) == (100, 0)


def test_the_aws_cli_lists_it(running: Up) -> None:
    environment = sourced(running.folder) | {"HOME": str(running.folder)}
    command = [str(AWSCLI / "bin" / "aws"), "bedrock", "list-model-invocation-jobs", "--output", "text"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "welcome" in done.stdout


def test_a_small_file_does_not_wait_for_a_large_one(running: Up) -> None:
    """The scan worker has two child processes, so a small file is read while the other reads a large one."""
    scan = min((each for each in running.processes() if "scan" in each.cmdline()), key=lambda each: each.pid)
    assert eventually(lambda: len([each for each in scan.children() if "scan" in each.cmdline()]) == 2)


def test_the_data_folder_is_for_its_owner_only(running: Up) -> None:
    """The folder existed before, was open to all users, and held a record of an earlier run."""
    assert stat.S_IMODE(running.folder.stat().st_mode) == 0o700
    public = [running.folder / "static", running.folder / "up.json"]  # the fixture created up.json
    files = [path for path in running.folder.rglob("*") if path.is_file() and not any(map(path.is_relative_to, public))]
    assert [path for path in files if path.stat().st_mode & 0o077] == []


def test_two_consoles_on_one_machine_keep_their_own_sign_ins(running: Up, bare: Up) -> None:
    session = requests.Session()
    for console in (running, bare):
        session.get(f"{console.url}login/")
    assert {f"csrftoken_{running.port}", f"csrftoken_{bare.port}"} <= set(session.cookies.keys())


def test_every_process_keeps_a_log(running: Up) -> None:
    assert {path.stem for path in (running.folder / "logs").glob("*.log")} >= {"web", "control", "scan"}
    assert any(line.startswith("web     |") for line in running.lines)


def test_a_second_up_on_the_same_folder_is_refused(running: Up) -> None:
    done = run(running.folder, "--model", "echo")
    assert done.returncode == 1
    assert done.stderr.startswith(f"Another `manage.py up` (process {running.process.pid}) is using the data folder")


def options_of(folder: Path, **changes: int) -> Options:
    return Options(
        **{"port": 0, "aws_port": 0, "bedrock_port": 0, "workers": 2} | changes, folder=DataFolder(folder),
        host="127.0.0.1", model="echo", is_local=True, has_sample=True,
    )  # fmt: skip


@pytest.mark.parametrize("option", ["--port", "--aws-port", "--bedrock-port"])
def test_a_taken_port_is_refused(option: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(UpError) as refused:
            require_ports(options_of(tmp_path, **{option.strip("-").replace("-", "_"): port}))
    assert str(refused.value) == f"Port {port} on 127.0.0.1 is taken. Choose another with {option}."


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = run(tmp_path, "--model", "echo", "--port", "0", "--aws-port", str(port), "--bedrock-port", "0")
    assert done.returncode == 1
    assert done.stderr == f"Port {port} on 127.0.0.1 is taken. Choose another with --aws-port.\n"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--model", "gpt"], "--model gpt is no .gguf file"),
        (["--model", "echo", "--workers", "0"], "--workers 0 is too few: at least one has to read the files."),
    ],
)
def test_what_cannot_be_run_is_refused(options: list[str], reason: str) -> None:
    with pytest.raises(SystemExit) as refused:
        call_command("up", *options)
    assert str(refused.value.code).startswith(reason)


def test_a_data_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run(tmp_path / "file" / "data", "--model", "echo")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_a_dead_child_is_said_and_started_again(running: Up) -> None:
    web = min((each for each in running.processes() if "granian" in each.cmdline()), key=lambda each: each.pid)
    web.kill()
    eventually(lambda: "web ended unexpectedly (SIGKILL); it is started again." in running.said)
    eventually(lambda: answers(f"{running.url}healthz"))


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=30):
            return True
    except (urllib.error.URLError, OSError):
        return False


def test_a_deep_data_folder_still_has_a_socket(bare: Up) -> None:
    assert answers(f"{bare.url}readyz")
    assert not (bare.folder / "aws.env").exists()


def test_the_password_of_the_first_start_signs_in(bare: Up) -> None:
    session = requests.Session()
    session.get(f"{bare.url}login/")
    form = {"username": "admin", "password": PASSWORD, "csrfmiddlewaretoken": session.cookies[f"csrftoken_{bare.port}"]}
    session.post(f"{bare.url}login/", form)
    assert session.get(f"{bare.url}admin/", allow_redirects=False).status_code == 200


def test_postgresql_serves_as_the_database(database_url: str, tmp_path: Path) -> None:
    with up(tmp_path, "--model", "echo", BATCHCONSOLE_DATABASE_URL=database_url) as started:
        assert not (tmp_path / "console.sqlite3").exists()
        assert completed(started.folder)
        assert len(started.processes()) >= len(OTHERS)
        assert started.end(signal.SIGTERM) == 0
        assert started.processes() == []


# What ends the first start comes last.


def test_a_killed_up_is_cleaned_up_after_and_nothing_is_lost(killed: list[psutil.Process], second: Up) -> None:
    _, alive = psutil.wait_procs(killed, timeout=0)
    assert alive == []
    environment = sourced(second.folder)
    names = client("iam", environment).list_roles()["Roles"]
    assert [role["RoleName"] for role in names] == ["batchconsole-samples"]
    client("s3", environment).head_bucket(Bucket="made-before-the-kill")


def test_a_stranger_is_left_alone(second: Up, stranger: subprocess.Popen[bytes]) -> None:
    assert stranger.poll() is None


def test_ctrl_c_ends_everything(second: Up) -> None:
    assert len(second.processes()) >= len(OTHERS)
    assert second.end(signal.SIGINT) == 0
    assert second.processes() == []


def test_a_child_that_keeps_ending_ends_everything(used: Path) -> None:
    socket = DataFolder(used).redis_socket
    socket.parent.mkdir(mode=0o700, exist_ok=True)
    socket.unlink(missing_ok=True)
    socket.mkdir()
    done = run(used, "--no-local", "--port", str(free_port()))
    socket.rmdir()
    assert done.returncode == 1
    assert done.stderr.startswith("redis ended 5 times within 60 s, last with exit code 1, so everything is ended.")
