"""One record's call to a model through the runtime API. The body is sent, and the answer returned, byte for byte.

boto3 would refuse members that it does not know, and wants bytes where records hold base64.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import urllib3
from botocore import exceptions as boto

from batchconsole.aws import hints
from batchconsole.aws.errors import QUOTA, THROTTLED, AwsError
from batchconsole.aws.passing_on import pass_on
from batchconsole.aws.session import Target

SERVICE = "bedrock-runtime"
PATHS = {"Converse": "converse", "InvokeModel": "invoke"}  # by the invocation type of jobs
PERMISSION = "bedrock:InvokeModel"  # for Converse too: AWS's reference of the operation
HEADERS = {"content-type": "application/json", "accept": "application/json"}
OK = 200
# docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html, errors: what the account lacks, for any
# record (403; 404 is a model that is not there), and what passes (429, also a model that is not ready; 503).
DENIED = frozenset({401, 403, 404})
LATER = frozenset({429, 503})
BROKEN_OFF = frozenset({500, 502, 504})
# The request was sent, but its answer was not: AWS charges for what a model did, whether or not somebody waits for it.
CUT = (boto.ReadTimeoutError, boto.ConnectionClosedError)
READ_SECONDS = 900  # a batch lets a model take its time, and a record that is given up is paid all the same
MOST_MESSAGE = 10_000  # characters


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What AWS answered: an HTTP status and a body; for an error its code and message.

    ``retry_after`` is in seconds, where AWS gave such a time.
    """

    status: int
    body: bytes = b""
    code: str = ""
    message: str = ""
    retry_after: float | None = None

    @property
    def is_answer(self) -> bool:
        return self.status == OK

    @property
    def is_later(self) -> bool:
        """Whether the call may succeed later: throttling, a used-up quota, credentials that somebody will renew."""
        passing = THROTTLED | QUOTA | hints.EXPIRED_CODES
        return self.status in LATER or self.code in passing

    @property
    def is_denied(self) -> bool:
        """Whether no record of the job would be answered."""
        return self.status in DENIED and not self.is_later

    @property
    def is_broken_off(self) -> bool:
        """Whether AWS failed to process this call, which may succeed at once."""
        return self.status in BROKEN_OFF and not self.is_later

    def as_error(self, operation: str, *, model_id: str) -> AwsError:
        """Return the error that this answer stands for."""
        hint = hints.for_answer(self.code, self.message, operation=operation, permission=PERMISSION, subject=model_id)
        return AwsError(self.message, code=self.code, operation=operation, retryable=not self.is_denied, hint=hint)


def invoke(
    target: Target, model_id: str, invocation_type: str, body: bytes, *, read_seconds: float = READ_SECONDS
) -> Answer:
    """Send *body* to the model by ``Converse`` or ``InvokeModel``. Raises AwsError if it did not reach AWS.

    If it did, and the answer does not come, or not whole, that is an answer of status 504: AWS may charge for it.
    """
    path = f"/model/{quote(model_id, safe='')}/{PATHS[invocation_type]}"
    try:
        passed = pass_on(
            target, SERVICE, method="POST", path=path, headers=HEADERS, body=body, read_seconds=read_seconds
        )
        content = b"".join(passed.chunks)
    except AwsError as error:
        if not isinstance(error.__cause__, CUT):
            raise
        return _cut(error)
    except urllib3.exceptions.HTTPError as error:
        return _cut(error)
    if passed.status == OK:
        return Answer(status=OK, body=content)
    headers = {name.lower(): value for name, value in passed.headers.items()}
    code, message = _code_and_message(headers, content)
    retry_after = _seconds(headers.get("retry-after", ""))
    return Answer(
        status=passed.status, body=content, code=code or str(passed.status), message=message, retry_after=retry_after
    )


def _cut(error: Exception) -> Answer:
    return Answer(status=504, code="AnswerCutOff", message=f"The model's answer did not come whole: {error}")


def _code_and_message(headers: Mapping[str, str], content: bytes) -> tuple[str, str]:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        said = {}
    members = said if isinstance(said, dict) else {}
    code = headers.get("x-amzn-errortype") or str(members.get("__type") or members.get("code") or "")
    text = members.get("message") or members.get("Message") or content.decode(errors="replace")
    # The type may be a name, a name and a URL, or a name behind its namespace: smithy.io, AWS restJson1 protocol.
    return code.partition(":")[0].rpartition("#")[2], str(text)[:MOST_MESSAGE] or "AWS gave no reason."


def _seconds(retry_after: str) -> float | None:
    try:
        return float(urllib3.Retry().parse_retry_after(retry_after)) if retry_after else None
    except (urllib3.exceptions.InvalidHeader, ValueError):
        return None
