"""The rows that `manage.py load` needs, made in the console's own process: jobs, people with sessions, keys."""

import sys

import msgspec
from django.contrib.auth.models import User
from django.test import Client

from batchconsole.jobs.models import BatchJob, Connection, Right
from batchconsole.jobs.rights.api_keys import create_api_key
from tests.benchmarks.many_jobs import fill

JOBS = 1_000
BACKEND = "django.contrib.auth.backends.ModelBackend"


class Prepared(msgspec.Struct):
    """Session keys of people, bearer tokens of scripts, and the paths that either ask for."""

    sessions: list[str]
    keys: list[str]
    pages: list[str]
    calls: list[str]


def prepare(people: int, scripts: int) -> None:
    """Make the rows and print a :class:`Prepared` as JSON."""
    fill(JOBS)
    name, job = Connection.objects.get().name, BatchJob.objects.latest("pk").pk
    made = Prepared(
        sessions=[session_of(f"load-{number}") for number in range(people)],
        keys=[key_of(f"script-{number}") for number in range(scripts)],
        pages=[f"/{name}/jobs/", f"/{name}/jobs/{job}/", f"/{name}/jobs/create/", f"/{name}/jobs/?page=3"],
        calls=[f"/api/v1/connections/{name}/jobs/", f"/api/v1/connections/{name}/jobs/{job}"],
    )
    sys.stdout.write(f"{msgspec.json.encode(made).decode()}\n")


def session_of(username: str) -> str:
    client = Client()
    client.force_login(User.objects.create_superuser(username), BACKEND)
    return str(client.session.session_key)


def key_of(username: str) -> str:
    return create_api_key(user=User.objects.create_superuser(username), name="load", rights=[Right.VIEW, Right.READ])[1]
