"""Requests to Bedrock's API as the gateway reads them."""

import pytest

from batchconsole.aws.api_requests import ApiRequest, find_operation, read_input
from batchconsole.aws.errors import AwsError

PROFILE = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-micro-v1:0"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/foundation-models/../guardrails"),
        ("GET", "/foundation-models/x/../../logging/modelinvocations"),
        ("GET", "/foundation-models/%2e%2e/guardrails"),
        ("GET", "/inference-profiles/..%2Fguardrails"),
        ("GET", "/inference-profiles/."),
        ("POST", "/model/../guardrail/g/invoke"),
    ],
)
def test_a_label_that_leads_out_of_its_place_is_no_operation(method: str, path: str) -> None:
    with pytest.raises(AwsError) as refused:
        find_operation(ApiRequest(method=method, path=path, query={}))
    assert refused.value.code == "UnknownOperationException"


@pytest.mark.parametrize("label", ["amazon.nova-micro-v1:0", PROFILE, PROFILE.replace("/", "%2F"), "a..b"])
def test_an_id_with_slashes_and_dots_is_a_label(label: str) -> None:
    operation, labels = find_operation(ApiRequest(method="POST", path=f"/model/{label}/converse", query={}))
    assert (operation.name, labels["modelId"]) == ("Converse", label.replace("%2F", "/"))


def test_half_a_surrogate_pair_fits_no_pattern() -> None:
    call = ApiRequest(method="POST", path="/model-invocation-job", query={}, body=b'{"jobName": "a\\ud800"}')
    operation, labels = find_operation(call)
    with pytest.raises(AwsError, match="at 'jobName' failed to satisfy constraint: Member must satisfy regular"):
        read_input(operation, labels, call)
