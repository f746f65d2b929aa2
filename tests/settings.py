"""The settings of the tests: the product's, in a data folder of their own, untouched by the shell they run in."""

import atexit
import os
import shutil
import tempfile

folder = tempfile.mkdtemp(prefix="batchconsole-tests-")
atexit.register(shutil.rmtree, folder, ignore_errors=True)
for name in list(os.environ):
    # A shell that has sourced aws.env, or set the console up, must not lead a test to somebody's real data.
    if name.startswith(("AWS_", "BATCHCONSOLE_")) and name != "BATCHCONSOLE_DATABASE_URL":
        del os.environ[name]
os.environ["BATCHCONSOLE_DATA_DIR"] = folder

from batchconsole.settings import *  # noqa: E402, F403 - they read the environment that was just made
from batchconsole.settings import DATABASES, STATIC_ROOT, STORAGES  # noqa: E402 - as above

ALLOWED_ENDPOINTS = ["127.0.0.1", "localhost"]  # the services that tests start
SECRET_KEY = "tests-serve-nobody-but-themselves"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real one takes its time on purpose
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
STATIC_ROOT.mkdir(parents=True)
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A database in memory has other locks than a file: threads that race would fail there instead of waiting.
    DATABASES["default"]["TEST"] = {"NAME": f"{folder}/test.sqlite3"}
