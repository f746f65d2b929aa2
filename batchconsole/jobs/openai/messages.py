"""Message Batches of programs that speak Anthropic's API: the same batches, with the requests in the call itself.

Their rows are those of OpenAI's batches, of the endpoint :data:`MESSAGES`. The counts of their results are in
``metadata``, which Anthropic's batches have not.
"""

import hashlib
import logging
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from django.db import transaction
from django.db.models import Q, QuerySet

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.aws.s3_stream import ObjectWriter
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Actor, Connection, Event, OpenAIBatch, Right, Verb
from batchconsole.jobs.openai.batches import (
    Asked,
    State,
    cancel,
    made_before,
    new_batch,
    record,
    require_key,
    save_once,
)
from batchconsole.jobs.openai.conversion import Refused, numbered_lines
from batchconsole.jobs.openai.errors import Missing
from batchconsole.jobs.openai.files import OBJECT_GONE
from batchconsole.jobs.openai.places import model_for
from batchconsole.jobs.rights.access import require, require_on_job
from batchconsole.jobs.s3.open_uploads import expect_object
from batchconsole.jobs.s3.storage import Storage
from batchconsole.records.limits import DEFAULTS
from batchconsole.records.message_results import message_without_answer
from batchconsole.records.openai_lines import MESSAGES, BadLine, make_record, read_line

logger = logging.getLogger(__name__)

BATCH_ID = re.compile(r"msgbatch_[0-9a-f]{24}")
# Anthropic's bound of a batch and time to its end. Source: Message Batches guide, limitations.
MOST_REQUESTS = 100_000
WINDOW = "24h"


def create_message_batch(
    connection: Connection, actor: Actor, requests: Sequence[bytes], *, key: str = "", role_arn: str = ""
) -> OpenAIBatch:
    """Return the batch of *requests*, each the JSON of one; a repeated call gives the first batch.

    Raises
    ------
    UserError
        A request is not valid, or Bedrock takes no job of so few. NotAllowed: the caller lacks the right.
    AwsError
        S3 did not take the requests.
    """
    require(actor, Right.SUBMIT, connection)
    require_key(key)
    digest = _digest(requests)
    asked = Asked(input_file_id=digest, endpoint=MESSAGES, completion_window=WINDOW, role_arn=role_arn)
    known = made_before(connection, actor, asked, key)
    if known is not None:
        return known
    require_valid(connection, requests)
    made = new_batch(connection, actor, asked, batch_id=f"msgbatch_{secrets.token_hex(12)}")
    made.request_count = len(requests)
    made.input_s3_uri = f"{made.folder}requests.jsonl"
    return _keep(made, requests, asked, key=key)


def _digest(requests: Sequence[bytes]) -> str:
    digest = hashlib.sha256()
    for number, data in enumerate(requests):
        digest.update(b"\n" + data if number else data)
    return digest.hexdigest()


def require_valid(connection: Connection, requests: Sequence[bytes]) -> None:
    """Raise UserError for the first request that cannot run, or for a model with too few of them."""
    require_few(len(requests))
    find_model = cache(lambda name: model_for(connection, name))
    ids: set[str] = set()
    models: Counter[str] = Counter()
    for number, data in enumerate(requests):
        try:
            line = read_line(data, MESSAGES)
            model_id = find_model(line.model)
            if not model_id:
                raise BadLine(f"{line.model[:80]} stands for no model of Bedrock here", code="", param="params.model")
            make_record(line, model_id)
        except BadLine as bad:
            place = f"requests.{number}.{bad.param}" if bad.param else f"requests.{number}"
            raise UserError(f"{place}: {bad}", "requests") from bad
        if line.custom_id in ids:
            raise UserError(f"requests.{number}.custom_id: {line.custom_id} is used more than once", "requests")
        ids.add(line.custom_id)
        models[model_id] += 1
    _require_enough(models)


def require_few(count: int) -> None:
    """Raise UserError for more requests than a batch has."""
    if count > MOST_REQUESTS:
        raise UserError(f"requests: a batch has at most {MOST_REQUESTS:,} requests.", "requests")


def _require_enough(models: Counter[str]) -> None:
    least = DEFAULTS.min_records_per_job
    few = next(((model_id, count) for model_id, count in models.items() if count < least), None)
    if few or not models:
        named = f"{few[1]} for {few[0]}" if few else "none"
        raise UserError(
            f"requests: Bedrock takes at least {least} records in a batch job, and the batch has {named}.",
            "requests",
            "Collect more requests for the model, or call it directly.",
        )


def _keep(made: OpenAIBatch, requests: Iterable[bytes], asked: Asked, *, key: str) -> OpenAIBatch:
    """Write the requests and the row of the batch *made*; what gets no row does not stay in S3."""
    place = parse_s3_uri(made.input_s3_uri)
    expected = expect_object(made.connection, *place)
    _write(made, requests)
    saved = save_once(made, asked, key=key, expected=expected)
    if saved is not made:
        try:
            s3.delete_object(made.connection.target, *place)
            expected.delete()
        except AwsError as error:  # it is deleted later
            logger.warning("The requests of a repeated call stay in %s for now: %s", made.input_s3_uri, error)
    return saved


def _write(made: OpenAIBatch, requests: Iterable[bytes]) -> None:
    place = parse_s3_uri(made.input_s3_uri)
    writer = ObjectWriter(made.connection.target, *place)
    try:
        for data in requests:
            writer.write(data + b"\n")
        writer.finish()
    except BaseException:
        writer.abort()
        raise
    made.input_etag = s3.head_object(made.connection.target, *place).etag


def message_batches(connection: Connection) -> QuerySet[OpenAIBatch]:
    return OpenAIBatch.objects.filter(connection=connection, endpoint=MESSAGES).select_related("connection")


def find_message_batch(connection: Connection, actor: Actor, batch_id: str) -> OpenAIBatch:
    """Return one batch. Raises :class:`Missing` and NotAllowed."""
    require(actor, Right.VIEW, connection)
    found = message_batches(connection).filter(batch_id=batch_id).first() if BATCH_ID.fullmatch(batch_id) else None
    if found is None:
        raise Missing(f"Batch not found: {batch_id[:80]}", "message_batch_id")
    return found


def list_message_batches(
    connection: Connection, actor: Actor, *, after: str = "", before: str = "", limit: int
) -> list[OpenAIBatch]:
    """Return up to *limit* batches, newest first: those after the batch *after*, or the next before *before*.

    Raises :class:`Missing` and NotAllowed.
    """
    require(actor, Right.VIEW, connection)
    found = message_batches(connection).prefetch_related("parts__job")
    if before:
        newer = found.filter(pk__gt=find_message_batch(connection, actor, before).pk).order_by("pk")[:limit]
        return list(reversed(newer))
    older = Q(pk__lt=find_message_batch(connection, actor, after).pk) if after else Q()
    return list(found.filter(older).order_by("-pk")[:limit])


def cancel_message_batch(connection: Connection, actor: Actor, batch_id: str) -> OpenAIBatch:
    """Cancel a batch; one that has ended is returned as it is. Raises :class:`Missing` and NotAllowed."""
    batch = find_message_batch(connection, actor, batch_id)
    cancel(batch, actor)
    return batch


def delete_message_batch(connection: Connection, actor: Actor, batch_id: str) -> None:
    """Delete a batch that has ended, its requests and its results; its jobs stay.

    Raises :class:`Missing`, NotAllowed, AwsError, and UserError for a batch that has not ended.
    """
    batch = find_message_batch(connection, actor, batch_id)
    require_on_job(actor, batch)
    if not batch.is_ended:
        raise UserError(f"The batch {batch_id} has not ended.", "message_batch_id", "Cancel it, or wait for it.")
    storage = Storage(connection, actor)
    for uri in (batch.input_s3_uri, *([results_uri(batch)] if batch.output_file_id else [])):
        try:
            storage.delete(*parse_s3_uri(uri))
        except AwsError as error:
            if error.code not in OBJECT_GONE:
                raise
    with transaction.atomic():
        record(batch, actor, Verb.BATCH_DELETED)
        batch.delete()


def results_uri(batch: OpenAIBatch) -> str:
    return f"{batch.folder}output.jsonl"


def read_results(connection: Connection, actor: Actor, batch_id: str) -> Iterator[bytes]:
    """Return the results of a batch in chunks, recorded as an event.

    Raises :class:`Missing`, NotAllowed, AwsError, and UserError for a batch that has not ended.
    """
    batch = find_message_batch(connection, actor, batch_id)
    require(actor, Right.READ, connection)
    if not batch.is_ended:
        raise UserError(f"The batch {batch_id} has no results yet.", "message_batch_id", "Wait until it has ended.")
    Event.objects.create(connection=connection, actor=actor, verb=Verb.DOWNLOADED, target=results_uri(batch)[-255:])
    if batch.output_file_id:
        return Storage(connection, actor).chunks(*parse_s3_uri(results_uri(batch)))
    return _without_answers(batch)


def _without_answers(batch: OpenAIBatch) -> Iterator[bytes]:
    """Yield the results of a batch whose jobs have not run: it was cancelled at once, or refused with a reason."""
    code = "batch_cancelled" if batch.state == State.CANCELLED else "batch_failed"
    message = " ".join(str(each["message"]) for each in batch.errors) or "This request was not executed."
    try:
        for _, data in numbered_lines(batch):
            yield message_without_answer(read_line(data, MESSAGES), code=code, message=message).line
    except Refused as refused:
        raise UserError(str(refused.errors[0]["message"])) from refused
