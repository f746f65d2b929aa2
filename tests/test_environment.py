"""Which of the shell's environment variables each process of `up` gets."""

from pathlib import Path

import pytest

from batchconsole.datafolder import DataFolder
from batchconsole.up import processes
from batchconsole.up.options import Options

SHELL = {
    "PATH": "/bin",
    "LC_ALL": "C",
    "HTTPS_PROXY": "http://proxy.test",
    "GITHUB_TOKEN": "token",
    "SSH_AUTH_SOCK": "/agent",
    "AWS_SECRET_ACCESS_KEY": "real",
    "PGPASSWORD": "password",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.test",
    "BATCHCONSOLE_SENTRY_DSN": "https://key@errors.test/1",
    "BATCHCONSOLE_SECRET_KEY": "key",
    "BATCHCONSOLE_DATABASE_URL": "postgres://",
    "BATCHCONSOLE_REDIS_URL": "redis://",
    "BATCHCONSOLE_ADMIN_PASSWORD": "password",
    "BATCHCONSOLE_ADMIN_PASSWORD_FILE": "/file",
    "BATCHCONSOLE_LOCALBEDROCK_MODEL_API_KEY": "key",
    "BATCHCONSOLE_LOCALAWS_ALLOWED_HOSTS": "aws.test",
    "BATCHCONSOLE_RUN": "mark",
    "OMP_NUM_THREADS": "1",
}
TELEMETRY = {"OTEL_EXPORTER_OTLP_ENDPOINT", "BATCHCONSOLE_SENTRY_DSN"}
SYSTEM = {"PATH", "LC_ALL", "HTTPS_PROXY", "BATCHCONSOLE_RUN"}
DATABASE = {"BATCHCONSOLE_SECRET_KEY", "BATCHCONSOLE_DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD"}
EXPECTED = {
    "redis": SYSTEM,
    "aws": SYSTEM | {"BATCHCONSOLE_LOCALAWS_ALLOWED_HOSTS"},
    "model": SYSTEM | {"OMP_NUM_THREADS"},
    "bedrock": SYSTEM | {"BATCHCONSOLE_LOCALBEDROCK_MODEL_API_KEY"},
    "web": SYSTEM | {"BATCHCONSOLE_REDIS_URL"} | TELEMETRY | DATABASE,
    "control": SYSTEM | {"BATCHCONSOLE_REDIS_URL"} | TELEMETRY | DATABASE,
    "scan": SYSTEM | {"BATCHCONSOLE_REDIS_URL"} | TELEMETRY | DATABASE,
    "beat": SYSTEM | {"BATCHCONSOLE_REDIS_URL"} | TELEMETRY,
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_process_gets_what_it_needs_and_no_other_secret(name: str, tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.prepare()
    options = Options(
        folder=folder, host="127.0.0.1", port=1, aws_port=2, bedrock_port=3, model="x.gguf", workers=1, is_local=True,
        has_sample=False,
    )  # fmt: skip
    started = [*processes.backends(options), *processes.console(options)]
    process = next(each for each in started if each.name == name)
    assert {key for key, value in process.environment_in(SHELL).items() if value == SHELL.get(key)} == EXPECTED[name]
