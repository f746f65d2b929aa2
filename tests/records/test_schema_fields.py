"""Output schemas made of fields, and what is wrong with pasted ones."""

import json

import pytest

from batchconsole.records.output_schemas import find_misfits
from batchconsole.records.schema_fields import TYPES, SchemaError, SchemaField, read_output_schema, schema_of


def test_bedrock_takes_a_schema_of_fields_of_every_type() -> None:
    schema = schema_of([SchemaField(name=kind, kind=kind, description="x") for kind in TYPES])
    assert find_misfits(schema, closed=True) == ()
    assert schema["required"] == list(TYPES)


def test_a_field_that_is_not_required_is_not_listed() -> None:
    assert schema_of([SchemaField(name="a"), SchemaField(name="b", required=False)])["required"] == ["a"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "$: JSON that is a list"),
        ("[" * 100_000, "not JSON"),
        ('{"maxLength": 5}', "$.maxLength: maxLength, expected a schema without maxLength"),
        (json.dumps({"properties": {"a": {"$ref": "http://x/y"}}}), "$.properties.a.$ref"),
        (json.dumps({"description": "x" * 200_000}), "longer than 100,000 characters"),
    ],
)
def test_what_is_wrong_with_a_schema_is_said_with_its_path(text: str, said: str) -> None:
    with pytest.raises(SchemaError) as raised:
        read_output_schema(text)
    assert said in str(raised.value)


def test_claude_wants_objects_closed() -> None:
    text = '{"type": "object", "properties": {}}'
    assert read_output_schema(text)
    with pytest.raises(SchemaError, match="additionalProperties"):
        read_output_schema(text, closed=True)
