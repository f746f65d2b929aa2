"""The run of `up`: prepare, start, report readiness, and stop."""

import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from itertools import chain

import psutil
from django.conf import settings

from batchconsole.aws.errors import AwsError
from batchconsole.localguard import is_loopback
from batchconsole.up import preparation, processes, sample
from batchconsole.up.errors import UpError
from batchconsole.up.options import WILDCARDS, Options
from batchconsole.up.output import Output
from batchconsole.up.ports import require_free
from batchconsole.up.processes import Process, access_keys
from batchconsole.up.run import MARK, sole_run
from batchconsole.up.supervisor import Supervisor

READY_SECONDS = 120
POLL_SECONDS = 0.05


def up(options: Options) -> None:
    """Run everything until SIGINT, SIGTERM or SIGHUP. Raises UpError if it cannot start or continue."""
    for number in (signal.SIGINT, signal.SIGTERM, *hangup()):
        signal.signal(number, signal.default_int_handler)
    with sole_run(options.folder, options.url) as run:
        require_ports(options)
        output = Output(options.folder.logs)
        supervisor = Supervisor(output, environment(options, run), options.folder.path)
        try:
            supervisor.space.start()
            start_stack(supervisor, options)
            link = preparation.sign_in_link(options)
            output.say(f"Batch Console is ready at {options.url}")
            output.say(f"Sign in with this link, once: {link}")
            output.say(
                f"It is valid for {settings.SESAME_MAX_AGE // 60} minutes; `manage.py sign_in_link` prints another."
            )
            for line in warnings(options.host, is_https=settings.HTTPS):
                output.say(line)
            supervisor.failed.wait()
        except KeyboardInterrupt:
            output.say("Ending.")
        finally:
            supervisor.stop()
    if supervisor.failure:
        raise UpError(supervisor.failure)


def warnings(host: str, *, is_https: bool) -> list[str]:
    """Return advice on what else is needed if other machines can reach the console."""
    if is_https or is_loopback(host):
        return []
    return [
        f"Others can reach the console at {host}, and over plain HTTP everybody on the way reads their passwords.",
        "Put a proxy that ends TLS in front of it, and set BATCHCONSOLE_HTTPS=true, BATCHCONSOLE_ALLOWED_HOSTS and",
        "BATCHCONSOLE_CSRF_TRUSTED_ORIGINS to its name: README.md, In production.",
    ]


def hangup() -> list[signal.Signals]:
    """Return SIGHUP, which signals that the terminal closed, unless `nohup` made this process ignore it."""
    return [] if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else [signal.SIGHUP]


def require_ports(options: Options) -> None:
    require_free(options.host, options.port, "--port")
    if options.is_local:
        require_free("127.0.0.1", options.aws_port, "--aws-port")
        require_free("127.0.0.1", options.bedrock_port, "--bedrock-port")


def environment(options: Options, run: str) -> dict[str, str]:
    """Return the environment from which each process gets its part.

    A shell that has sourced `aws.env` must not redirect connections for real accounts to the local stack, so its
    variables are removed if their access key is the local stack's.
    """
    inherited = dict(os.environ)
    if inherited.get("AWS_ACCESS_KEY_ID") in {"test", access_keys(options)["AWS_ACCESS_KEY_ID"]}:
        inherited = {name: value for name, value in inherited.items() if name not in preparation.aws_env(options)}
    return inherited | {
        MARK: run,
        "BATCHCONSOLE_DATA_DIR": str(options.folder.path),
        "BATCHCONSOLE_PORT": str(options.port),
        "BATCHCONSOLE_ALLOWED_HOSTS": ",".join(allowed_hosts(options.host)),
        "PYTHONUNBUFFERED": "1",
    }


def allowed_hosts(host: str) -> list[str]:
    """Return the allowed host names: those in the settings, *host*, and for a wildcard address this machine's own."""
    hosts = {*settings.ALLOWED_HOSTS, f"[{host}]" if ":" in host else host}
    if host in WILDCARDS:
        addresses = chain.from_iterable(psutil.net_if_addrs().values())
        hosts |= {socket.gethostname(), *(item.address for item in addresses if item.family == socket.AF_INET)}
    return sorted(hosts)


def start_stack(supervisor: Supervisor, options: Options) -> None:
    """Start everything, slow parts in parallel, and return when everything responds."""
    backends = list(processes.backends(options))
    supervisor.start(backends)
    preparation.prepare_console(options)
    if supervisor.failed.is_set():
        raise UpError(supervisor.failure)
    console = list(processes.console(options))
    supervisor.start(console)
    wait_until_ready(supervisor, backends)
    if options.is_local and options.has_sample:
        make_sample(supervisor.output)
    wait_until_ready(supervisor, console)


def make_sample(output: Output) -> None:
    """Create the sample. A failure is only reported: the console works without it, and the next start retries."""
    try:
        sample.make()
    except AwsError as error:
        output.say(f"The sample could not be made: {error.message}")


def wait_until_ready(supervisor: Supervisor, started: Iterable[Process]) -> None:
    """Return when each process with a ``ready_url`` responds there. Raises UpError if one does not."""
    deadline = time.monotonic() + READY_SECONDS
    for process in started:
        while process.ready_url and not answers(process.ready_url):
            if supervisor.failed.wait(POLL_SECONDS):
                raise UpError(supervisor.failure)
            if time.monotonic() > deadline:
                raise UpError(f"{process.name} has not answered at {process.ready_url} within {READY_SECONDS} s.")


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False
