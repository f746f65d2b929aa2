"""Create, find, list and cancel batches, and the job requests that one consists of."""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from batchconsole.aws.job_request import JobRequest, Tag
from batchconsole.jobs import origin
from batchconsole.jobs.account import account_id
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.job_rules import tag_problems
from batchconsole.jobs.models import Actor, Connection, Event, OpenAIBatch, OpenAIFile, OpenUpload, Right, Verb
from batchconsole.jobs.openai.errors import Missing
from batchconsole.jobs.openai.files import find_file
from batchconsole.jobs.openai.places import folder_of, role_of
from batchconsole.jobs.rights.access import require, require_on_job, require_places, require_service_role
from batchconsole.jobs.s3.input_places import require_input
from batchconsole.jobs.signals import nudge
from batchconsole.records.openai_lines import ENDPOINTS, MESSAGES

State = OpenAIBatch.State
# The bounds of timeoutDurationInHours in the API model of CreateModelInvocationJob.
LEAST_HOURS, MOST_HOURS = 24, 168
BATCH_ID = re.compile(r"batch_[0-9a-f]{32}")
JOB_NAMES = {**dict.fromkeys(ENDPOINTS, "openai"), MESSAGES: "messages"}
WINDOW = re.compile(r"(\d{1,4})([hd])", re.ASCII)
# OpenAI's bounds of metadata. Source: API reference, create batch.
MOST_METADATA, KEY_LENGTH, VALUE_LENGTH = 16, 64, 512
IDEMPOTENCY_KEY_LENGTH = 255
# How long a client may repeat a request that it got no answer to: the SDK waits ten minutes, three times.
TRYING_AGAIN = timedelta(minutes=35)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request for a batch, as the program sent it."""

    input_file_id: str
    endpoint: str
    completion_window: str
    metadata: dict[str, str] = field(default_factory=dict)
    role_arn: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the request, to know it again."""
        return hashlib.sha256(json.dumps(vars(self), sort_keys=True).encode(errors="surrogatepass")).hexdigest()


def read_request(body: Any, *, role_arn: str = "") -> Asked:
    """Return the request in *body*, the decoded JSON. Raises :class:`UserError` with the parameter at fault."""
    if not isinstance(body, dict):
        raise UserError("The body of the request is not a JSON object.")
    known = {"input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after"}
    if unknown := sorted(str(name) for name in body.keys() - known):
        raise UserError(f"Unknown parameter: '{unknown[0][:80]}'.", unknown[0][:80])
    for name in ("input_file_id", "endpoint", "completion_window"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise UserError(f"Missing required parameter: '{name}'.", name)
    if body.get("output_expires_after") is not None:
        message = "How long answers are kept is set for the whole console, so it takes no output_expires_after."
        raise UserError(message, "output_expires_after", "Leave it out, and delete the files.")
    if body["endpoint"] not in ENDPOINTS:
        raise UserError(f"The endpoint must be one of {', '.join(ENDPOINTS)}.", "endpoint")
    hours_of(body["completion_window"])
    return Asked(
        input_file_id=body["input_file_id"],
        endpoint=body["endpoint"],
        completion_window=body["completion_window"],
        metadata=_read_metadata(body.get("metadata")),
        role_arn=role_arn,
    )


def hours_of(window: str) -> int:
    """Return the hours of a completion window (``24h``, ``3d``), the jobs' timeout. Raises :class:`UserError`."""
    found = WINDOW.fullmatch(window)
    hours = int(found[1]) * (24 if found[2] == "d" else 1) if found else 0
    if not LEAST_HOURS <= hours <= MOST_HOURS:
        message = f"The completion window must be from {LEAST_HOURS}h to {MOST_HOURS}h, Bedrock's bounds."
        raise UserError(message, "completion_window")
    return hours


def _read_metadata(given: Any) -> dict[str, str]:
    if given is None:
        return {}
    is_text = isinstance(given, dict) and all(isinstance(text, str) for pair in given.items() for text in pair)
    if not is_text or "\0" in "".join(f"{key}{value}" for key, value in given.items()):
        raise UserError("The metadata must be an object of texts.", "metadata")
    is_short = all(len(key) <= KEY_LENGTH and len(value) <= VALUE_LENGTH for key, value in given.items())
    if len(given) > MOST_METADATA or not is_short:
        message = f"The metadata has at most {MOST_METADATA} pairs, of {KEY_LENGTH} and {VALUE_LENGTH} characters."
        raise UserError(message, "metadata")
    return dict(given)


def create_batch(connection: Connection, actor: Actor, asked: Asked, *, key: str = "") -> OpenAIBatch:
    """Return the batch for *asked*, to be validated by a worker; the same *key* and request give the first one.

    A client that sends no key, and repeats the request because it got no answer, gets the first batch too.

    Raises
    ------
    UserError
        Something is missing or not valid. Missing: there is no such file. NotAllowed: the caller lacks the right, or
        the connection does not allow the location or the role.
    AwsError
        AWS could not be asked for the account of the connection.
    """
    require(actor, Right.SUBMIT, connection)
    require_key(key)
    known = made_before(connection, actor, asked, key)
    if known is not None:
        return known
    file = find_file(connection, actor, asked.input_file_id)
    if file.purpose != OpenAIFile.Purpose.BATCH:
        raise UserError("The input file must have the purpose 'batch'.", "input_file_id")
    made = new_batch(connection, actor, asked, batch_id=f"batch_{secrets.token_hex(16)}")
    made.input_file_id, made.input_s3_uri, made.input_etag = file.file_id, file.s3_uri, file.etag
    return save_once(made, asked, key=key)


def require_key(key: str) -> None:
    """Raise UserError for an Idempotency-Key that cannot be kept."""
    if len(key) > IDEMPOTENCY_KEY_LENGTH or "\0" in key:
        raise UserError(f"The Idempotency-Key has at most {IDEMPOTENCY_KEY_LENGTH} characters.", "Idempotency-Key")


def save_once(made: OpenAIBatch, asked: Asked, *, key: str, expected: OpenUpload | None = None) -> OpenAIBatch:
    """Save the batch *made* for *asked* and return it, or the first one if the request was repeated meanwhile.

    *expected* keeps an object of *made* in mind until its row is saved.
    """
    made.idempotency_key = key
    with transaction.atomic():
        Connection.objects.lock(made.connection_id)  # a repeated request waits here for the first one
        known = made_before(made.connection, made.created_by, asked, key)
        if known is not None:
            return known
        made.save()
        if expected is not None:
            expected.delete()
        record(made, made.created_by, Verb.BATCH_CREATED)
        nudge("convert_batch", made.pk)
    return made


def record(batch: OpenAIBatch, actor: Actor, verb: Verb) -> None:
    """Record what *actor* did to *batch*; call it inside the transaction that does it."""
    data = {"batch": batch.batch_id, "source": batch.input_s3_uri}
    Event.objects.create(connection=batch.connection, actor=actor, verb=verb, data=data)


def made_before(connection: Connection, actor: Actor, asked: Asked, key: str) -> OpenAIBatch | None:
    """Return the batch that the same request with *key* has made; a repeated request needs no key."""
    mine = OpenAIBatch.objects.filter(connection=connection, created_by=actor).select_related("connection")
    if key:
        found = mine.filter(idempotency_key=key).first()
        if found and found.request_digest != asked.digest:
            hint = "Send a key of its own with each batch."
            raise UserError("This Idempotency-Key has created another batch.", "Idempotency-Key", hint)
        return found
    since = timezone.now() - TRYING_AGAIN
    return mine.filter(request_digest=asked.digest, created_at__gt=since).first() if origin.is_repeat() else None


def new_batch(connection: Connection, actor: Actor, asked: Asked, *, batch_id: str) -> OpenAIBatch:
    """Return the unsaved batch for *asked*, without its input. Raises UserError, NotAllowed and AwsError."""
    folder, role_arn = f"{folder_of(connection)}{batch_id}/", role_of(connection, asked.role_arn)
    require_places(connection, upload=folder, output=folder, read=folder)
    require_input(connection, folder)
    require_service_role(connection, role_arn)
    account_id(connection)
    return OpenAIBatch(
        connection=connection,
        created_by=actor,
        batch_id=batch_id,
        request_digest=asked.digest,
        api_key=origin.api_key(),
        endpoint=asked.endpoint,
        completion_window=asked.completion_window,
        timeout_hours=hours_of(asked.completion_window),
        metadata=asked.metadata,
        folder=folder,
        role_arn=role_arn,
    )


def job_request(batch: OpenAIBatch, *, number: int, model_id: str, invocation_type: str) -> JobRequest:
    """Return the request of the job *number* (from 1) of *batch*."""
    return JobRequest(
        job_name=f"{JOB_NAMES[batch.endpoint]}-{batch.batch_id.rpartition('_')[2]}-{number}",
        model_id=model_id,
        model_invocation_type=invocation_type,
        role_arn=batch.role_arn,
        input_s3_uri=records_uri(batch, number),
        output_s3_uri=f"{batch.folder}{number}/output/",
        timeout_duration_in_hours=batch.timeout_hours,
        tags=tags_of(batch.metadata),
    )


def records_uri(batch: OpenAIBatch, number: int) -> str:
    """Return the S3 URI of the records of the job *number*."""
    return f"{batch.folder}{number}/records.jsonl"


def tags_of(metadata: Mapping[str, str]) -> tuple[Tag, ...]:
    """Return the pairs of *metadata* that AWS takes as tags; the others stay with the batch only."""
    tags = [Tag(key=key, value=value) for key, value in metadata.items()]
    return tuple(tag for tag in tags if not any(tag_problems(JobRequest.from_fields({"tags": [tag]}))))


def batches_of(connection: Connection) -> QuerySet[OpenAIBatch]:
    return OpenAIBatch.objects.filter(connection=connection, endpoint__in=ENDPOINTS).select_related("connection")


def find_batch(connection: Connection, actor: Actor, batch_id: str) -> OpenAIBatch:
    """Return one batch. Raises :class:`Missing` and NotAllowed."""
    require(actor, Right.VIEW, connection)
    found = batches_of(connection).filter(batch_id=batch_id).first() if BATCH_ID.fullmatch(batch_id) else None
    if found is None:
        raise Missing(f"No batch found with id '{batch_id[:80]}'.", "batch_id")
    return found


def list_batches(connection: Connection, actor: Actor, *, after: str = "", limit: int) -> list[OpenAIBatch]:
    """Return up to *limit* batches, newest first, after the batch *after*. Raises :class:`Missing` and NotAllowed."""
    require(actor, Right.VIEW, connection)
    older = Q(pk__lt=find_batch(connection, actor, after).pk) if after else Q()
    return list(batches_of(connection).filter(older).prefetch_related("parts__job").order_by("-pk")[:limit])


def cancel_batch(connection: Connection, actor: Actor, batch_id: str) -> OpenAIBatch:
    """Cancel a batch; one that is being cancelled, or is cancelled, is returned as it is.

    Raises :class:`Missing`, NotAllowed, and UserError for a batch that has ended or whose answers are being written.
    """
    batch = find_batch(connection, actor, batch_id)
    cancel(batch, actor)
    if batch.state not in (State.CANCELLING, State.CANCELLED):
        raise UserError(f"Cannot cancel a batch with status '{batch.state}'.", "batch_id")
    return batch


def cancel(batch: OpenAIBatch, actor: Actor) -> None:
    """Cancel *batch* if it has not ended and its answers are not being written. Raises NotAllowed."""
    require_on_job(actor, batch)
    now = timezone.now()
    by = {"cancelling_at": now, "cancelled_by": actor}
    mine = OpenAIBatch.objects.filter(pk=batch.pk)
    # A worker that reads the file of the first one loses its lease, and creates no job.
    at_once = {"state": State.CANCELLED, "ended_at": now, "due_at": None, "lease": ""}
    with transaction.atomic():
        ended = mine.filter(state=State.VALIDATING).update(**at_once, **by)
        if ended:
            record(batch, actor, Verb.INPUT_MAKING_CANCELLED)
        elif mine.filter(state=State.IN_PROGRESS).update(state=State.CANCELLING, due_at=now, lease="", **by):
            record(batch, actor, Verb.BATCH_CANCELLED)
            nudge("follow_batch", batch.pk)
    batch.refresh_from_db()
