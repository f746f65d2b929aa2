"""Turn a record into an output line: the model's answer in its family's format, or the error Bedrock would write."""

import logging
import threading
from typing import Any

import msgspec

from batchconsole.localbedrock.absent import check_guardrail, project_fault
from batchconsole.localbedrock.converse_members import check_paths, said_back
from batchconsole.localbedrock.jobs import Caller, Counts
from batchconsole.localbedrock.media import Media
from batchconsole.localbedrock.modelservers.base import Abandoned, ModelAway, ModelFailed, ModelServer, RecordRefused
from batchconsole.localbedrock.record_formats import ModelInputs, RecordFormat, WindowExpired
from batchconsole.localbedrock.wire import PROJECT
from batchconsole.records.families import AnyFamily
from batchconsole.records.families.base import Completion, Refusal, Request

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
FAILURES_OF_ONE_RECORD = 4


class Answer(msgspec.Struct, frozen=True):
    """An output line with its line feed, its addition to the job's counts, and whether it goes into the error file."""

    line: bytes
    counts: Counts
    is_apart: bool = False


class Answerer:
    """Answers the records of one job. Thread-safe. Set ``abandoned`` to end all waits."""

    def __init__(
        self,
        family: AnyFamily,
        model: ModelServer,
        media: Media,
        *,
        model_id: str,
        caller: Caller,
        records: RecordFormat | None = None,
        record_seconds: float = 0.0,
    ) -> None:
        self._family = family
        self._model = model
        self._media = media
        self._model_id = model_id
        self._caller = caller
        self._records = records or ModelInputs()
        self._is_converse = family.name == "converse"
        self._record_seconds = record_seconds
        self.abandoned = threading.Event()
        self.is_expired = False

    def expire(self) -> bool:
        """At the job's timeout, start to give the remaining records error lines if the format has them, and say so."""
        if self._records.errors_apart and not self.is_expired:
            self.is_expired = True
            self.abandoned.set()
        return self.is_expired

    def answer(self, data: bytes, number: int) -> Answer:
        """Return the output line for the *number*-th record, which is in the line *data*. Raises :class:`Abandoned`."""
        record = self._records.read(data, number)
        try:
            output, completion = self._answer_in_time(bytes(record.body))
        except RecordRefused as error:
            return Answer(self._records.refusal(record, error) + b"\n", Counts(0, 1), self._records.errors_apart)
        tokens = (completion.input_tokens, completion.output_tokens)
        return Answer(self._records.success(record, output) + b"\n", Counts(1, 0, *tokens))

    def _answer_in_time(self, raw: bytes) -> tuple[dict[str, Any], Completion]:
        try:
            if self.abandoned.is_set() or (self._record_seconds and self.abandoned.wait(self._record_seconds)):
                raise Abandoned
            return self._respond(raw)
        except Abandoned:
            if self.is_expired:
                raise WindowExpired from None
            raise

    def _respond(self, raw: bytes) -> tuple[dict[str, Any], Completion]:
        try:
            body = msgspec.json.decode(raw)
            request = self._family.read_request(body, model_id=self._model_id)
            if self._is_converse:
                self._check_converse(body)
            self._media.put_in(request)
            completion = self._complete(request)
            output = self._family.write_response(body, completion, model_id=self._model_id)
            if self._is_converse:
                output |= said_back(body, completion, model_id=self._model_id)
            return output, completion
        except Refusal as error:
            raise RecordRefused(400, str(error)) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RecordRefused(400, f"Malformed input request: {error}") from error
        except (RecordRefused, Abandoned):
            raise
        except Exception:
            # An error in the translation of one body must not end the other records of the job.
            log.exception("A record could not be answered")
            raise RecordRefused(500, "An internal server error occurred.") from None

    def _check_converse(self, body: dict[str, Any]) -> None:
        check_guardrail(body)
        check_paths(body)
        if fault := project_fault(body.get(PROJECT), self._caller):
            raise RecordRefused(fault.status, fault.message)

    def _complete(self, request: Request) -> Completion:
        """Return the model's answer; wait while the server is away. Refuse a record that a healthy server fails on."""
        failures, pause = 0, FIRST_PAUSE_SECONDS
        while True:
            try:
                return self._model.complete(request, self.abandoned)
            except ModelFailed as error:
                failures += self._model.is_up()
                if failures >= FAILURES_OF_ONE_RECORD:
                    raise RecordRefused(500, str(error)) from error
                log.warning("The model failed, trying again in %.1f s: %s", pause, error)
            except ModelAway as error:
                log.warning("The model server is away, trying again in %.1f s: %s", pause, error)
            if self.abandoned.wait(pause):
                raise Abandoned
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
