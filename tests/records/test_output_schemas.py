"""Bedrock's subset of JSON Schema: what it takes passes, what it refuses is named with its path."""

import json
from typing import Any

import pytest
from hypothesis import given

from batchconsole.records.output_schemas import FORMATS, MAX_MISFITS, TYPES, UNSUPPORTED, Misfit, find_misfits
from tests.records.strategies import json_values

PERSON: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Person",
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "The full name."},
        "age": {"type": ["integer", "null"], "default": None},
        "kind": {"enum": ["a", 1, True, None]},
        "fixed": {"const": "x"},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "address": {"$ref": "#/$defs/address"},
        "either": {"anyOf": [{"type": "string"}, {"type": "number"}]},
        "both": {"allOf": [{"type": "object", "properties": {}, "additionalProperties": False}]},
        "minimum": {"type": "number"},
    },
    "required": ["name"],
    "additionalProperties": False,
    "$defs": {"address": {"type": "object", "properties": {"zip": {"type": "string"}}, "additionalProperties": False}},
    "definitions": {},
}
RECURSIVE = {
    "$ref": "#/$defs/node",
    "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
}


def property_misfits(schema: Any) -> list[tuple[str, str]]:
    found = find_misfits({"type": "object", "properties": {"x": schema}, "additionalProperties": False})
    return [(misfit.path, misfit.keyword) for misfit in found]


@pytest.mark.parametrize("closed", [True, False])
def test_what_the_subset_holds_passes(closed: bool) -> None:
    assert find_misfits(PERSON, closed=closed) == ()
    assert find_misfits(json.dumps(PERSON), closed=closed) == ()


@pytest.mark.parametrize("name", FORMATS)
def test_each_string_format_passes(name: str) -> None:
    assert property_misfits({"type": "string", "format": name}) == []


@pytest.mark.parametrize("name", TYPES)
def test_each_type_passes(name: str) -> None:
    assert property_misfits({"type": name}) == []


@pytest.mark.parametrize("keyword", sorted(UNSUPPORTED))
def test_each_other_keyword_is_named_with_its_path(keyword: str) -> None:
    assert property_misfits({"type": "string", keyword: 1}) == [(f"$.properties.x.{keyword}", keyword)]


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"type": "text"}, "$.properties.x.type"),
        ({"type": []}, "$.properties.x.type"),
        ({"enum": [{"a": 1}]}, "$.properties.x.enum"),
        ({"enum": "a"}, "$.properties.x.enum"),
        ({"type": "string", "format": "regex"}, "$.properties.x.format"),
        ({"type": "array", "minItems": 2}, "$.properties.x.minItems"),
        ({"type": "object", "additionalProperties": True}, "$.properties.x.additionalProperties"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "$.properties.x.additionalProperties"),
        ({"$ref": "https://example.com/schema.json"}, "$.properties.x.$ref"),
        ({"$ref": "#/$defs/missing"}, "$.properties.x.$ref"),
        ({"$ref": "#"}, "$.properties.x.$ref"),
        ({"type": "array", "items": {"maximum": 1}}, "$.properties.x.items.maximum"),
        ({"anyOf": [{"type": "string"}, {"minLength": 1}]}, "$.properties.x.anyOf[1].minLength"),
        ({"type": "array", "items": [{"type": "string"}]}, "$.properties.x.items"),
        ({"properties": []}, "$.properties.x.properties"),
        ("string", "$.properties.x"),
    ],
)
def test_what_bedrock_refuses_is_found(schema: Any, path: str) -> None:
    assert [where for where, _ in property_misfits(schema)] == [path]


def test_recursion_is_found_where_it_begins() -> None:
    paths = [misfit.path for misfit in find_misfits(RECURSIVE)]
    assert paths == ["$.$ref", "$.$defs.node.properties.next.$ref"]


def test_a_definition_used_twice_is_no_recursion() -> None:
    item = {"$ref": "#/$defs/item"}
    assert find_misfits({"properties": {"a": item, "b": item}, "$defs": {"item": {"type": "string"}}}) == ()


def test_claude_wants_every_object_closed() -> None:
    schema = {"type": "object", "properties": {"x": {"type": "object"}}}
    assert find_misfits(schema) == ()
    assert [misfit.path for misfit in find_misfits(schema, closed=True)] == [
        "$.additionalProperties",
        "$.properties.x.additionalProperties",
    ]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"\ud83d"', b"\xff", "[" * 100_000])
def test_what_is_no_schema_is_one_misfit(text: str | bytes) -> None:
    assert [misfit.path for misfit in find_misfits(text)] == ["$"]


def test_a_schema_nested_without_end_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(100_000):
        schema = {"items": schema}
    assert len(find_misfits(schema)) == 1


def test_misfits_are_bounded_in_number() -> None:
    schema = {"properties": {f"p{number}": {"minimum": 1} for number in range(1000)}}
    assert len(find_misfits(schema)) == MAX_MISFITS


def test_a_schema_made_to_be_slow_is_looked_at_in_bounded_time() -> None:
    chain = {f"d{number}": {"$ref": f"#/$defs/d{number + 1}"} for number in range(20_000)}
    assert find_misfits({"$defs": chain | {"d20000": {"type": "string"}}}) == ()


@given(schema=json_values)
def test_any_json_is_looked_at(schema: Any) -> None:
    assert all(isinstance(misfit, Misfit) for misfit in find_misfits(json.dumps(schema)))
