"""Settings from the environment, and the refusal to serve an unsafe console. Each case runs in its own process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from batchconsole.setup.paths import ROOT

KEY = "a-secret-key-of-the-tests-that-is-long-enough-for-every-check"


def run(*arguments: str, data_dir: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("BATCHCONSOLE_", "DJANGO_"))}
    own = {"BATCHCONSOLE_DATA_DIR": str(data_dir), "DJANGO_SETTINGS_MODULE": "batchconsole.settings"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=inherited | own | environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def value_of(setting: str, *, data_dir: Path, **environment: str) -> str:
    code = f"from django.conf import settings; print(settings.{setting})"
    return run("-c", code, data_dir=data_dir, **environment).stdout.strip()


def test_a_production_set_up_passes_every_check(tmp_path: Path) -> None:
    done = run(
        "manage.py", "check", "--deploy", data_dir=tmp_path, BATCHCONSOLE_SECRET_KEY=KEY, BATCHCONSOLE_HTTPS="true"
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "no issues" in done.stdout


def test_the_check_names_a_missing_secret_key(tmp_path: Path) -> None:
    done = run("manage.py", "check", "--deploy", data_dir=tmp_path, BATCHCONSOLE_HTTPS="true")
    assert done.returncode == 1
    assert "HINT: Set BATCHCONSOLE_SECRET_KEY" in done.stderr


def test_nothing_is_served_without_a_secret_key(tmp_path: Path) -> None:
    done = run("-c", "import batchconsole.wsgi", data_dir=tmp_path)
    assert done.returncode == 1
    assert "There is no secret key" in done.stderr


def test_it_is_served_with_one(tmp_path: Path) -> None:
    done = run("-c", "import batchconsole.wsgi", data_dir=tmp_path, BATCHCONSOLE_SECRET_KEY=KEY)
    assert done.returncode == 0, done.stderr


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    assert value_of("SECRET_KEY", data_dir=tmp_path, BATCHCONSOLE_SECRET_KEY_FILE=str(tmp_path / "key")) == KEY


def test_the_secret_key_of_the_data_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text(KEY)
    assert value_of("SECRET_KEY", data_dir=tmp_path) == KEY


def test_postgresql_is_a_url_away(tmp_path: Path) -> None:
    url = "postgres://console:secret@db.example.com/batches"
    engine = value_of('DATABASES["default"]["ENGINE"]', data_dir=tmp_path, BATCHCONSOLE_DATABASE_URL=url)
    assert engine == "django.db.backends.postgresql"


def test_cookies_are_secure_behind_tls_only(tmp_path: Path) -> None:
    assert value_of("SESSION_COOKIE_SECURE", data_dir=tmp_path) == "False"
    assert value_of("SESSION_COOKIE_SECURE", data_dir=tmp_path, BATCHCONSOLE_HTTPS="true") == "True"


COOKIES = "SESSION_COOKIE_NAME CSRF_COOKIE_NAME MESSAGE_COOKIE_NAME PREFERENCE_COOKIE_PREFIX"


@pytest.mark.parametrize(
    ("https", "names"),
    [
        ("false", "sessionid_8001 csrftoken_8001 messages_8001 console_8001-"),
        ("true", "__Host-sessionid_8001 __Host-csrftoken_8001 __Host-messages_8001 __Host-console_8001-"),
    ],
)
def test_every_cookie_carries_the_port_and_under_https_the_promise_of_one_host(
    tmp_path: Path, https: str, names: str
) -> None:
    asked = f'SECRET_KEY and " ".join(getattr(settings, name) for name in "{COOKIES}".split())'
    assert value_of(asked, data_dir=tmp_path, BATCHCONSOLE_PORT="8001", BATCHCONSOLE_HTTPS=https) == names


@pytest.mark.parametrize(
    ("name", "value"),
    [("BATCHCONSOLE_TRUSTED_PROXIES", "10.0.0.0/8,proxy"), ("BATCHCONSOLE_OPENID_GROUPS", "ops=Viewer@*,ops")],
)
def test_nothing_is_served_with_a_setting_of_sign_in_that_cannot_be_read(tmp_path: Path, name: str, value: str) -> None:
    done = run("-c", "import batchconsole.wsgi", data_dir=tmp_path, BATCHCONSOLE_SECRET_KEY=KEY, **{name: value})
    assert done.returncode == 1
    assert f"{name}: " in done.stderr


def test_an_unknown_format_of_logs_is_refused_with_those_there_are(tmp_path: Path) -> None:
    done = run("manage.py", "check", data_dir=tmp_path, BATCHCONSOLE_LOG_FORMAT="xml")
    assert done.returncode == 1
    assert "BATCHCONSOLE_LOG_FORMAT is 'xml'. It is one of: text, json." in done.stderr


def test_logs_may_be_json(tmp_path: Path) -> None:
    code = "import django, logging; django.setup(); logging.getLogger('x').warning('told %s', 'once')"
    done = run("-c", code, data_dir=tmp_path, BATCHCONSOLE_LOG_FORMAT="json")
    assert {"level": "WARNING", "logger": "x", "message": "told once"}.items() <= json.loads(done.stderr).items()
