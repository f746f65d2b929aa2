"""Raw HTTP requests: what no SDK would send, and what other clients send differently."""

import base64
import http.client
import json
from typing import Any

import pytest

from tests.localbedrock.stack import SIGNED, Service, Workspace, create

Answer = tuple[int, dict[str, str], Any]


def call(service: Service, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
    """Return the status, the headers by lower-case name, and the JSON of the response."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    connection.request(method, path, content, SIGNED if headers is None else headers)
    response = connection.getresponse()
    answer = response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    connection.close()
    return answer[0], answer[1], json.loads(answer[2])


def test_an_error_carries_its_name_in_the_header_and_its_message_in_the_body(service: Service) -> None:
    status, headers, body = call(service, "GET", "/model-invocation-job/abcdefghijkl")
    assert (status, headers["x-amzn-errortype"]) == (404, "ResourceNotFoundException")
    assert body == {"message": "The provided job identifier does not exist."}
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("headers", "code", "says"),
    [
        ({}, "MissingAuthenticationTokenException", "Missing Authentication Token"),
        ({"Authorization": "Basic dGVzdA=="}, "IncompleteSignatureException", "requires 'Credential' parameter."),
        ({"Authorization": "AWS4-HMAC-SHA256 Credential=a/b"}, "IncompleteSignatureException", "'Signature' parameter"),
    ],
)
def test_a_request_that_is_not_signed_is_refused(
    service: Service, headers: dict[str, str], code: str, says: str
) -> None:
    status, named, body = call(service, "POST", "/model-invocation-job", {"jobName": "a"}, headers)
    assert (status, named["x-amzn-errortype"]) == (403, code)
    assert says in body["message"]


def test_an_api_key_says_the_region(service: Service) -> None:
    url = "bedrock.amazonaws.com/?Action=CallWithBearerToken&X-Amz-Credential=AKIA%2F20260101%2Feu-west-1%2Fbedrock%2F"
    key = {"Authorization": f"Bearer bedrock-api-key-{base64.b64encode(url.encode()).decode()}"}
    _, _, body = call(service, "GET", "/foundation-models/amazon.nova-lite-v1:0", None, key)
    assert body["modelDetails"]["modelArn"].startswith("arn:aws:bedrock:eu-west-1::")


def test_missing_members_are_named_in_awss_words(service: Service) -> None:
    status, headers, body = call(service, "POST", "/model-invocation-job", {"jobName": "a"})
    assert (status, headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert body["message"].startswith(
        "4 validation errors detected: Value null at 'roleArn' failed to satisfy "
        "constraint: Member must not be null; Value null at 'modelId' "
    )


def test_a_null_is_a_missing_member(service: Service) -> None:
    _, _, body = call(service, "POST", "/model-invocation-job", {"jobName": None})
    assert "Value null at 'jobName' failed to satisfy constraint: Member must not be null" in body["message"]


def test_unknown_members_are_ignored(service: Service, workspace: Workspace) -> None:
    request = workspace.request("s3://bucket/in/") | {"someNewMember": {"a": [1]}}
    status, _, body = call(service, "POST", "/model-invocation-job", request)
    assert status == 200
    assert set(body) == {"jobArn"}


@pytest.mark.parametrize("config", [{}, None], ids=["empty", "missing"])
def test_a_union_needs_exactly_one_member(service: Service, workspace: Workspace, config: Any) -> None:
    request = workspace.request("s3://bucket/in/") | {"inputDataConfig": config}
    status, headers, body = call(service, "POST", "/model-invocation-job", request)
    assert (status, headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert "'inputDataConfig' failed to satisfy constraint" in body["message"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "The request body is not valid JSON"),
        (b"[]", "The request body must be a JSON object."),
        (b"\xff\xfe", "The request body is not valid JSON"),
        (b"[" * 100_000, "The request body is not valid JSON"),
        ({"jobName": 5}, "NUMBER_VALUE can not be converted to a String"),
        ({"jobName": True}, "TRUE_VALUE can not be converted to a String"),
        ({"timeoutDurationInHours": "24"}, "STRING_VALUE can not be converted to an Integer"),
        ({"timeoutDurationInHours": 24.5}, "DECIMAL_VALUE can not be converted to an Integer"),
        ({"tags": {}}, "START_OBJECT can not be converted to a List"),
        ({"inputDataConfig": []}, "START_ARRAY can not be converted to a Structure"),
    ],
    ids=["cut", "list", "no text", "deep", "number", "boolean", "text", "fraction", "object", "array"],
)
def test_a_body_that_cannot_be_read_is_refused(service: Service, body: Any, message: str) -> None:
    status, headers, answer = call(service, "POST", "/model-invocation-job", body)
    assert (status, headers["x-amzn-errortype"]) == (400, "SerializationException")
    assert answer["message"].startswith(message)


@pytest.mark.parametrize("query", ["maxResults=ten", "submitTimeAfter=yesterday", "submitTimeAfter=1e400"])
def test_a_parameter_that_cannot_be_read_is_refused(service: Service, query: str) -> None:
    status, headers, _ = call(service, "GET", f"/model-invocation-jobs?{query}")
    assert (status, headers["x-amzn-errortype"]) == (400, "SerializationException")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/guardrails"),
        ("DELETE", "/model-invocation-jobs"),
        ("PUT", "/model-invocation-job"),
        ("GET", "/model-invocation-job/"),
        ("POST", "//"),
        ("GET", "/%00"),
        ("OPTIONS", "/tagResource"),
    ],
)
def test_what_no_operation_answers_is_unknown(service: Service, method: str, path: str) -> None:
    status, headers, _ = call(service, method, path)
    assert (status, headers["x-amzn-errortype"]) == (404, "UnknownOperationException")


def test_an_identifier_may_be_an_id_or_an_arn_encoded_or_not(
    service: Service, bedrock: Any, workspace: Workspace
) -> None:
    arn = create(bedrock, workspace.request("s3://bucket/in/"))
    encoded = arn.replace(":", "%3A").replace("/", "%2F")
    for identifier in (arn, encoded, encoded.lower(), arn.rpartition("/")[2]):
        status, _, body = call(service, "GET", f"/model-invocation-job/{identifier}")
        assert (status, body.get("jobArn")) == (200, arn)


@pytest.mark.parametrize("identifier", ["%2e%2e", "a%00b", "%ff%fe", "ABCDEFGHIJKL", "abcdefghijkl%2Fstop"])
def test_an_identifier_off_the_pattern_is_refused(service: Service, identifier: str) -> None:
    status, headers, body = call(service, "GET", f"/model-invocation-job/{identifier}")
    assert (status, headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert "at 'jobIdentifier' failed to satisfy constraint" in body["message"]


def test_a_body_too_large_is_refused(service: Service) -> None:
    status, headers, _ = call(service, "POST", "/model-invocation-job", b" " * 25_000_001)
    assert (status, headers["x-amzn-errortype"]) == (400, "SerializationException")


def test_healthz_answers(service: Service) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()


def test_a_web_socket_is_turned_away(service: Service) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    wish = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "a" * 22,
    }
    connection.request("GET", "/", headers=wish)
    assert connection.getresponse().status in (400, 403)
    connection.close()
