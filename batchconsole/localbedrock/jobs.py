"""Jobs and their files as plain data, without I/O."""

from enum import StrEnum
from typing import Any, Literal

import msgspec


class Status(StrEnum):
    """AWS's job states."""

    SUBMITTED = "Submitted"
    VALIDATING = "Validating"
    SCHEDULED = "Scheduled"
    IN_PROGRESS = "InProgress"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    COMPLETED = "Completed"
    PARTIALLY_COMPLETED = "PartiallyCompleted"
    FAILED = "Failed"
    EXPIRED = "Expired"


WAITING = (Status.SUBMITTED, Status.VALIDATING, Status.SCHEDULED)
LIVE = (*WAITING, Status.IN_PROGRESS, Status.STOPPING)


class Caller(msgspec.Struct, frozen=True):
    """The account and region that a request's signature names."""

    account: str
    region: str

    def arn(self, resource: str) -> str:
        """Return the ARN of *resource* (``model-invocation-job/...``) in this account and region."""
        return f"arn:aws:bedrock:{self.region}:{self.account}:{resource}"


class Counts(msgspec.Struct, frozen=True):
    """Records and tokens so far."""

    success: int = 0
    error: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            *(
                mine + theirs
                for mine, theirs in zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
            )
        )


Api = Literal["bedrock", "openai"]
BATCH = "batch_"  # The prefix of the ids of OpenAI's batches.


class Job(msgspec.Struct, kw_only=True):
    """One job as stored. Times are milliseconds since 1970 UTC.

    ``request`` is the input of CreateModelInvocationJob without tags and token. For a batch of the OpenAI API
    (``api``), it also holds that API's own fields under ``batch``. ``failure`` holds the ``code`` and ``line`` of the
    job's error, which only the OpenAI API shows.
    """

    seq: int = 0
    id: str
    account: str
    region: str
    name: str
    model_id: str
    base_model_id: str
    token: str = ""
    fingerprint: str = ""
    request: dict[str, Any]
    status: Status = Status.SUBMITTED
    message: str = ""
    submit_time: int
    last_modified_time: int
    end_time: int | None = None
    expiration_time: int
    due_time: int | None
    total: int = 0
    success: int = 0
    error: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    api: Api = "bedrock"
    failure: dict[str, Any] = {}

    @property
    def caller(self) -> Caller:
        return Caller(self.account, self.region)

    @property
    def arn(self) -> str:
        return self.caller.arn(f"model-invocation-job/{self.id}")

    @property
    def shown_id(self) -> str:
        """The id as the job's API and its output folder show it."""
        return f"{BATCH}{self.id}" if self.api == "openai" else self.id

    @property
    def role_arn(self) -> str:
        return str(self.request["roleArn"])

    @property
    def invocation_type(self) -> str:
        return str(self.request.get("modelInvocationType", "InvokeModel"))

    @property
    def input(self) -> dict[str, str]:
        """``s3Uri`` and the rest of the input's S3 configuration."""
        return dict(self.request["inputDataConfig"]["s3InputDataConfig"])

    @property
    def output(self) -> dict[str, str]:
        """``s3Uri`` and the rest of the output's S3 configuration."""
        return dict(self.request["outputDataConfig"]["s3OutputDataConfig"])

    @property
    def counts(self) -> Counts:
        return Counts(self.success, self.error, self.input_tokens, self.output_tokens)


class InputFile(msgspec.Struct, kw_only=True):
    """One input object of a job and the progress of its output. Offsets and lengths are in bytes.

    ``read_offset``: every record before it has been answered. ``spool_length`` and ``error_length``: the valid lengths
    of the local spools. ``upload_id``: the open multipart upload of the output, or empty.
    """

    number: int
    key: str
    output_key: str
    size: int
    etag: str
    records: int
    read_offset: int = 0
    records_done: int = 0
    upload_id: str = ""
    spool_length: int = 0
    error_length: int = 0
    done: bool = False

    @property
    def error_key(self) -> str:
        """The key of the error file, for formats that keep errors apart from the answers."""
        return f"{self.output_key.removesuffix('.out')}.err"
