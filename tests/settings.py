"""The settings of the tests: the product's, with a data folder of their own, independent of the shell's variables."""

import atexit
import os
import shutil
import tempfile

folder = tempfile.mkdtemp(prefix="batchconsole-tests-")
atexit.register(shutil.rmtree, folder, ignore_errors=True)
for name in list(os.environ):
    # If the shell has sourced aws.env or has settings for the console, tests must not reach any real data.
    if name.startswith(("AWS_", "BATCHCONSOLE_")) and name != "BATCHCONSOLE_DATABASE_URL":
        del os.environ[name]
os.environ["BATCHCONSOLE_DATA_DIR"] = folder

from batchconsole.settings import *  # noqa: E402, F403 - the settings read the environment prepared above
from batchconsole.settings import DATABASES, STATIC_ROOT, STORAGES  # noqa: E402 - for the same reason

ALLOWED_ENDPOINTS = ["127.0.0.1", "localhost"]  # the services that tests start
SECRET_KEY = "tests-serve-nobody-but-themselves"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real hasher is slow on purpose
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
STATIC_ROOT.mkdir(parents=True)
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # An in-memory database locks differently from a file: concurrent threads would fail instead of waiting.
    DATABASES["default"]["TEST"] = {"NAME": f"{folder}/test.sqlite3"}
