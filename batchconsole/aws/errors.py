"""One error for everything that can go wrong between us and AWS, with a hint that says what to do about it.

Nothing above this package sees a botocore exception. Codes are AWS's own; for failures that never got an answer they
are ours: ``EndpointUnreachable``, ``AnswerCutOff``, ``EndpointNotAllowed``, ``NoCredentials``, ``ExpiredToken``,
``InvalidRequest``, ``ClientFailure``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from boto3.exceptions import Boto3Error
from botocore import exceptions as boto

from batchconsole.aws import hints

UNREACHABLE = (
    boto.ConnectionError,
    boto.HTTPClientError,
    boto.IncompleteReadError,
    boto.BaseEndpointResolverError,
    boto.EndpointProviderError,
)
NO_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.ProfileNotFound,
    boto.NoAuthTokenError,
)
EXPIRED = (boto.TokenRetrievalError, boto.SSOError, boto.LoginError)
INVALID = (boto.ParamValidationError, boto.ValidationError, boto.NoRegionError)

# HEAD requests have no body, so S3's code is only the HTTP status.
HEAD_CODES = {"400": "BadRequest", "403": "AccessDenied", "404": "NotFound", "405": "MethodNotAllowed"}
THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "SlowDown",
        "RequestThrottled",
        "ProvisionedThroughputExceededException",
    }
)
QUOTA = frozenset({"ServiceQuotaExceededException"})


class AwsError(Exception):
    """A call to AWS failed.

    Attributes
    ----------
    code : str
        AWS's error code, or one of ours (see the module).
    operation : str
        The API operation, ``CreateModelInvocationJob``.
    message : str
        AWS's own message; also ``str(error)``.
    retryable : bool
        Whether the same call may succeed later without any change to the request: throttling, quotas, an unreachable
        endpoint, AWS's own trouble, credentials that somebody will renew.
    hint : str
        Plain English: what the person or the administrator can do. May be empty.
    """

    def __init__(self, message: str, *, code: str, operation: str, retryable: bool = False, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.operation = operation
        self.message = message
        self.retryable = retryable
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle with all attributes: Celery carries exceptions between processes."""
        return _rebuild, (self.message, self.as_dict())

    @property
    def is_throttling(self) -> bool:
        """Whether AWS asked to slow down."""
        return self.code in THROTTLED

    @property
    def is_quota(self) -> bool:
        """Whether a limit of the account is used up for now."""
        return self.code in QUOTA

    def as_dict(self) -> dict[str, Any]:
        """The error as plain JSON values, for a database column."""
        return {
            "code": self.code,
            "operation": self.operation,
            "message": self.message,
            "retryable": self.retryable,
            "hint": self.hint,
        }


def _rebuild(message: str, values: dict[str, Any]) -> AwsError:
    return AwsError(message, **{name: value for name, value in values.items() if name != "message"})


@contextmanager
def translate(operation: str, *, permission: str = "", subject: str = "") -> Iterator[None]:
    """Turn every boto3 and botocore exception inside the block into :class:`AwsError`.

    Parameters
    ----------
    operation
        The API operation, ``ListObjectsV2``.
    permission
        The IAM action it needs, ``s3:ListBucket``; named in the hint when access is denied.
    subject
        What it was done to, in words a person knows: ``bucket my-prompts``.
    """
    try:
        yield
    except boto.ClientError as error:
        raise _from_answer(error, operation, permission, subject) from error
    except (boto.BotoCoreError, Boto3Error) as error:
        # A multipart upload wraps AWS's answer in text; the answer itself is the cause.
        if isinstance(error.__context__, boto.ClientError):
            raise _from_answer(error.__context__, operation, permission, subject) from error
        raise _without_answer(error, operation) from error


def _from_answer(error: boto.ClientError, operation: str, permission: str, subject: str) -> AwsError:
    answer = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = HEAD_CODES.get(answer.get("Code", ""), answer.get("Code", "")) or "Unknown"
    message = answer.get("Message") or str(error)
    return AwsError(
        message,
        code=code,
        operation=operation,
        retryable=status >= 500 or status == 429 or code in THROTTLED | QUOTA | hints.EXPIRED_CODES,
        hint=hints.for_answer(code, message, operation=operation, permission=permission, subject=subject),
    )


def _without_answer(error: Exception, operation: str) -> AwsError:
    code, retryable = _classify(error)
    return AwsError(str(error), code=code, operation=operation, retryable=retryable, hint=hints.WITHOUT_ANSWER[code])


def _classify(error: Exception) -> tuple[str, bool]:
    """Our code for *error*, and whether trying again later makes sense."""
    for classes, code, retryable in (
        (INVALID, "InvalidRequest", False),
        (UNREACHABLE, "EndpointUnreachable", True),
        (NO_CREDENTIALS, "NoCredentials", True),
        (EXPIRED, "ExpiredToken", True),
    ):
        if isinstance(error, classes):
            return code, retryable
    return "ClientFailure", False
