"""Where a connection may be pointed, and where it may not."""

import pytest

from batchconsole.aws import s3
from batchconsole.aws.endpoints import is_allowed
from batchconsole.aws.errors import AwsError
from batchconsole.aws.session import Target

ALLOWED = ["minio", "127.0.0.1:4566", "*.example.com", "[::1]:9000"]


@pytest.mark.parametrize(
    "host",
    [
        "s3.us-east-1.amazonaws.com",
        "s3.dualstack.eu-central-1.amazonaws.com",
        "s3.amazonaws.com",
        "iam.amazonaws.com",
        "iam.us-gov.amazonaws.com",
        "sts.us-gov-west-1.amazonaws.com",
        "bedrock.us-east-1.amazonaws.com",
        "bedrock-runtime-fips.us-east-1.amazonaws.com",
        "bedrock.us-east-1.api.aws",
        "api.pricing.us-east-1.amazonaws.com",
        "s3.cn-north-1.amazonaws.com.cn",
        "vpce-0a1b-2c3d.bedrock.us-east-1.vpce.amazonaws.com",
        "bucket.vpce-0a1b-2c3d.s3.us-east-1.vpce.amazonaws.com",
    ],
)
def test_aws_s_own_endpoints_are_allowed(host: str) -> None:
    assert is_allowed(f"https://{host}", [])


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://[fd00:ec2::254]",
        "http://127.0.0.1:6379",
        "http://localhost",
        "http://2130706433",
        "http://0x7f.1",
        "http://10.0.0.1",
        "https://s3.us-east-1.amazonaws.com.evil.example",
        "https://evil.example/s3.us-east-1.amazonaws.com",
        "https://evils3.us-east-1.amazonaws.com",
        "https://ec2-10-0-0-1.compute-1.amazonaws.com",
        "https://internal-x.us-east-1.elb.amazonaws.com",
        "http://minio.evil.example",
        "http://example.com",
        "http://notexample.com",
        "http://127.0.0.1",
        "http://[::1]",
        "http://[:",
        "http://minio:999999",
        "http://",
    ],
)
def test_other_addresses_are_not(url: str) -> None:
    assert not is_allowed(url, ALLOWED)


@pytest.mark.parametrize(
    "url",
    ["http://minio:9000", "https://MINIO", "http://127.0.0.1:4566", "https://s3.in.example.com", "http://[::1]:9000/x"],
)
def test_what_the_operator_lists_is_allowed(url: str) -> None:
    assert is_allowed(url, ALLOWED)


def test_nothing_is_sent_to_an_endpoint_that_is_not_allowed() -> None:
    target = Target(
        region="us-east-1",
        endpoint_url="http://169.254.169.254",
        credentials="local",
        allowed_endpoints=frozenset(),
    )
    with pytest.raises(AwsError, match=r"endpoint http://169\.254\.169\.254 is not allowed") as caught:
        s3.list_buckets(target)
    assert (caught.value.code, caught.value.retryable) == ("EndpointNotAllowed", False)
