"""The one error for everything that can go wrong in calls to AWS, with a hint about what to do.

No code outside this package sees a botocore exception. Codes are AWS's own. Failures without an answer from AWS have
the console's codes: ``EndpointUnreachable``, ``AnswerCutOff``, ``EndpointNotAllowed``, ``EndpointBusy``,
``NoCredentials``, ``ExpiredToken``, ``InvalidRequest``, ``ClientFailure``.
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

# Responses to HEAD requests have no body, so botocore uses the HTTP status as the code.
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
        AWS's error code, or one of the console's (see the module).
    operation : str
        The API operation, such as ``CreateModelInvocationJob``.
    message : str
        AWS's own message; also ``str(error)``.
    retryable : bool
        Whether the same call may succeed later without any change to the request: throttling, quotas, an unreachable
        endpoint, errors inside AWS, credentials that somebody will renew.
    hint : str
        What the user or the administrator can do, in plain English. May be empty.
    """

    def __init__(self, message: str, *, code: str, operation: str, retryable: bool = False, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.operation = operation
        self.message = message
        self.retryable = retryable
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle with all attributes, because Celery passes exceptions between processes."""
        return _rebuild, (self.message, self.as_dict())

    @property
    def is_throttling(self) -> bool:
        """Whether AWS throttled the call."""
        return self.code in THROTTLED

    @property
    def is_quota(self) -> bool:
        """Whether a quota of the account is used up for now."""
        return self.code in QUOTA

    def as_dict(self) -> dict[str, Any]:
        """Return the error as plain JSON values, for a database column."""
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
        The API operation, such as ``ListObjectsV2``.
    permission
        The IAM action it needs, such as ``s3:ListBucket``; named in the hint if access is denied.
    subject
        What the call acts on, in words that users know: ``bucket my-prompts``.
    """
    try:
        yield
    except boto.ClientError as error:
        raise _from_answer(error, operation, permission, subject) from error
    except (boto.BotoCoreError, Boto3Error) as error:
        # A multipart upload raises an error with AWS's answer as text; the answer itself is in its context.
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
    """Return the console's code for *error*, and whether a later retry makes sense."""
    for classes, code, retryable in (
        (INVALID, "InvalidRequest", False),
        (UNREACHABLE, "EndpointUnreachable", True),
        (NO_CREDENTIALS, "NoCredentials", True),
        (EXPIRED, "ExpiredToken", True),
    ):
        if isinstance(error, classes):
            return code, retryable
    return "ClientFailure", False
