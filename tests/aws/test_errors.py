"""Every way a call can fail becomes one AwsError that says what to do."""

import http.server
import pickle
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore import exceptions as boto
from botocore.exceptions import ClientError

from batchconsole.aws import bedrock, s3
from batchconsole.aws.errors import AwsError, translate
from batchconsole.aws.session import Target
from tests.aws.conftest import refused
from tests.conftest import REGION


def answered(code: str, message: str = "No.", status: int = 400) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Operation")


def translated(error: Exception, *, permission: str = "", subject: str = "") -> AwsError:
    with pytest.raises(AwsError) as caught, translate("Operation", permission=permission, subject=subject):
        raise error
    return caught.value


@pytest.fixture
def closing_server() -> Iterator[str]:
    """A server that takes each request and hangs up."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_it_works() -> None:
    error = translated(answered("ValidationException", "Bad name."))
    assert (error.code, error.operation, error.message, str(error)) == (
        "ValidationException",
        "Operation",
        "Bad name.",
        "Bad name.",
    )
    assert not error.retryable


def test_an_endpoint_nobody_listens_on() -> None:
    target = Target(region=REGION, endpoint_url="http://127.0.0.1:9", credentials="local")
    with refused("EndpointUnreachable"):
        s3.list_buckets(target)


def test_an_answer_that_never_comes(closing_server: str) -> None:
    target = Target(region=REGION, bedrock_endpoint_url=closing_server, credentials="local")
    with refused("EndpointUnreachable"):
        bedrock.list_foundation_models(target)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (boto.NoCredentialsError(), "NoCredentials"),
        (boto.PartialCredentialsError(provider="env", cred_var="key"), "NoCredentials"),
        (boto.ProfileNotFound(profile="x"), "NoCredentials"),
        (boto.EndpointConnectionError(endpoint_url="http://x"), "EndpointUnreachable"),
        (boto.ReadTimeoutError(endpoint_url="http://x"), "EndpointUnreachable"),
        (boto.ConnectTimeoutError(endpoint_url="http://x"), "EndpointUnreachable"),
        (boto.SSLError(endpoint_url="http://x", error="certificate"), "EndpointUnreachable"),
        (boto.UnauthorizedSSOTokenError(), "ExpiredToken"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_failures_without_an_answer_may_pass(error: Exception, code: str) -> None:
    ours = translated(error)
    assert (ours.code, ours.retryable, bool(ours.hint)) == (code, True, True)


def test_a_request_the_model_forbids_is_not_tried_again() -> None:
    ours = translated(boto.ParamValidationError(report="jobName"))
    assert (ours.code, ours.retryable) == ("InvalidRequest", False)


@pytest.mark.parametrize(
    ("code", "status", "retryable"),
    [
        ("ThrottlingException", 429, True),
        ("ServiceQuotaExceededException", 400, True),
        ("InternalServerException", 500, True),
        ("ExpiredTokenException", 403, True),
        ("AccessDeniedException", 403, False),
        ("ConflictException", 400, False),
        ("ResourceNotFoundException", 404, False),
    ],
)
def test_what_may_succeed_later(code: str, status: int, retryable: bool) -> None:
    error = translated(answered(code, status=status))
    assert error.retryable is retryable
    assert error.hint


def test_a_denied_call_names_the_permission() -> None:
    error = translated(answered("AccessDeniedException"), permission="s3:ListBucket", subject="bucket prompts")
    assert "permission s3:ListBucket on bucket prompts" in error.hint


def test_a_role_that_may_not_be_passed_is_said() -> None:
    message = "User x is not authorized to perform: iam:PassRole on resource: y"
    error = translated(answered("AccessDeniedException", message), permission="bedrock:CreateModelInvocationJob")
    assert "iam:PassRole" in error.hint


def test_reading_denied_may_be_a_key() -> None:
    assert "kms:Decrypt" in translated(answered("AccessDenied"), permission="s3:GetObject").hint


def test_a_key_behind_an_s3_error_is_said() -> None:
    error = translated(answered("KMS.DisabledException"), permission="s3:PutObject")
    assert "KMS key" in error.hint


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Batch inference is not supported for the requested model", "takes no batch jobs"),
        ("Invocation of model ID x with on-demand throughput isn't supported", "inference profile"),
        ("The provided model identifier is invalid.", "does not know this model"),
        ("Could not assume the role arn:aws:iam::1:role/x", "trust policy"),
    ],
)
def test_a_validation_message_is_explained(message: str, words: str) -> None:
    assert words in translated(answered("ValidationException", message)).hint


def test_it_travels_between_processes() -> None:
    error = translated(answered("ConflictException", "In use."))
    again = pickle.loads(pickle.dumps(error))
    assert again.as_dict() == error.as_dict()


def test_other_errors_pass_through() -> None:
    with pytest.raises(ZeroDivisionError), translate("Operation"):
        raise ZeroDivisionError
