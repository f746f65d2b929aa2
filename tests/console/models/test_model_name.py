"""What a job's model is called where there is little room."""

import pytest

from batchconsole.console.models.names import model_name

ARN = "arn:aws:bedrock:us-east-1:123456789012:"


@pytest.mark.parametrize(
    ("model_id", "name"),
    [
        ("amazon.nova-lite-v1:0", "Nova Lite"),
        ("someone.new-v9:0", "someone.new-v9:0"),
        ("arn:aws:bedrock:us-east-1::foundation-model/someone.new-v9:0", "someone.new-v9:0"),
        (
            f"{ARN}inference-profile/us.anthropic.claude-3-5-sonnet-20241022-v2:0",
            "anthropic.claude-3-5-sonnet-20241022-v2:0",
        ),
        (f"{ARN}application-inference-profile/abcdefghijkl", "application-inference-profile/abcdefghijkl"),
    ],
)
def test_a_model_goes_by_its_name_or_by_all_of_its_id(model_id: str, name: str) -> None:
    assert model_name(model_id) == name
