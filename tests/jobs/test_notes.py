"""Notes on jobs: who may write and remove them, and what the audit trail keeps."""

import pytest
from django.contrib.auth.models import User

from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.models import BatchJob, Connection, JobNote, Verb
from batchconsole.jobs.models.job_note import LONGEST_NOTE
from batchconsole.jobs.notes import add_note, remove_note
from tests.factories import grant, make_job


@pytest.fixture
def job(db: None) -> BatchJob:
    return make_job(Connection.objects.create(name="local", title="Local"), status="Completed")


def member(name: str, role: str, job: BatchJob) -> User:
    user = User.objects.create_user(name)
    grant(user, role, job.connection)
    return user


def test_a_note_is_kept_with_its_author_and_in_the_trail(job: BatchJob) -> None:
    ada = member("ada", "Submitter", job)
    note = add_note(job, ada, "  Reviewed.\r\nGood. ")
    assert (note.text, note.created_by, note.job) == ("Reviewed.\nGood.", ada, job)
    event = job.events.get(verb=Verb.NOTE_ADDED)
    assert (event.actor, event.data) == (ada, {"note": "Reviewed.\nGood."})


def test_a_note_that_is_removed_stays_in_the_trail(job: BatchJob) -> None:
    ada = member("ada", "Submitter", job)
    remove_note(add_note(job, ada, "Reviewed."), ada)
    assert not JobNote.objects.exists()
    assert job.events.get(verb=Verb.NOTE_REMOVED).data == {"note": "Reviewed."}


@pytest.mark.parametrize("text", ["", " \n ", "a\0b", "x" * (LONGEST_NOTE + 1)])
def test_an_unusable_text_is_refused(text: str, job: BatchJob) -> None:
    with pytest.raises(UserError):
        add_note(job, None, text)
    assert not JobNote.objects.exists()


def test_a_viewer_writes_no_note(job: BatchJob) -> None:
    with pytest.raises(NotAllowed, match="submit"):
        add_note(job, member("eve", "Reader", job), "Hello")


def test_a_note_of_somebody_else_is_removed_by_an_operator_only(job: BatchJob) -> None:
    note = add_note(job, member("ada", "Submitter", job), "Reviewed.")
    with pytest.raises(NotAllowed, match="operate"):
        remove_note(note, member("bob", "Submitter", job))
    remove_note(note, member("olga", "Operator", job))
    assert not JobNote.objects.exists()
