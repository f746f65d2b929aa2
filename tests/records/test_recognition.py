"""What a line of a batch file is called."""

from typing import Any

import pytest

from batchconsole.records.recognition import recognise_line


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ({"recordId": "1", "modelInput": {}}, "Amazon Bedrock record"),
        ({"modelInput": {}, "modelOutput": {}}, "Amazon Bedrock answer"),
        ({"modelInput": {}, "modelOutput": None, "error": {"errorCode": 400}}, "Amazon Bedrock answer"),
        ({"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {}}, "OpenAI batch request"),
        ({"custom_id": "1", "response": {"status_code": 200}, "error": None}, "OpenAI batch answer"),
        ({"custom_id": "1", "response": None, "error": {"code": "batch_expired"}}, "OpenAI batch answer"),
        ({"custom_id": "1", "params": {}}, "Anthropic batch request"),
        ({"custom_id": "1", "result": {"type": "succeeded"}}, "Anthropic batch answer"),
        ({"custom_id": "1"}, ""),
        ({"a": 1}, ""),
    ],
)
def test_a_line_is_called_what_it_is(line: dict[str, Any], name: str) -> None:
    assert recognise_line(line) == name
