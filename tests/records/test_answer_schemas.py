"""Answers held against the output schemas of their requests: what matches, what does not, and what is left unjudged."""

import json
from typing import Any

import msgspec
import pytest

from batchconsole.records import answer_schemas, files
from batchconsole.records.answer_schemas import Fit, Judge
from batchconsole.records.asked_schemas import Asked
from batchconsole.records.families import FAMILIES
from batchconsole.records.index import Index
from batchconsole.records.output_lines import read_line
from batchconsole.records.parsed_schemas import parse_schema
from batchconsole.records.results import Totals, fit_of, scan
from batchconsole.records.schema_columns import Column, cell

PET: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}},
    "required": ["name"],
    "additionalProperties": False,
}
CONVERSE = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(PET)}}}}
CLAUDE = {"format": {"type": "json_schema", "schema": PET}}
ASKED: list[dict[str, Any]] = [
    {"outputConfig": CONVERSE},
    {"output_config": CLAUDE},
    {"output_config": {"effort": "low", **CLAUDE}},
    {"output_format": CLAUDE["format"]},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "pet", "schema": PET}}},
    {"additionalModelRequestFields": {"output_config": CLAUDE}},
]


def judged(schema: Any, text: str, stop_reason: str | None = "end_turn") -> Fit | None:
    return Judge().judge(parse_schema(schema), text, stop_reason)


def output_line(answer: str, asked: dict[str, Any] | None = None, *, number: int = 1) -> bytes:
    model_input = {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], **(asked or {})}
    model_output = {"content": [{"type": "text", "text": answer}], "stop_reason": "end_turn"}
    return json.dumps({"recordId": f"r{number}", "modelInput": model_input, "modelOutput": model_output}).encode()


def scanned(*lines: bytes) -> tuple[Totals, Index]:
    found = scan([files.from_bytes("a.out", b"\n".join(lines))], FAMILIES["anthropic"])
    return found.totals, found.index


@pytest.mark.parametrize("asked", ASKED)
def test_the_schema_is_found_wherever_a_request_has_it(asked: dict[str, Any]) -> None:
    totals, index = scanned(output_line('{"name": "Rex"}', asked), output_line('{"name": 5}', asked, number=2))
    assert (totals.with_schema, totals.matched, totals.mismatched) == (2, 1, 1)
    assert (list(index.matches), list(index.mismatches)) == ([0], [1])


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"output_config": {"effort": "low"}},
        {"response_format": {"type": "json_object"}},
        {"response_format": "x"},
        {"outputConfig": None},
        {"additionalModelRequestFields": {"top_k": 5}},
    ],
)
def test_a_request_without_a_schema_is_not_judged(asked: dict[str, Any]) -> None:
    assert scanned(output_line("{}", asked))[0].with_schema == 0


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"name": 5}', "$.name"),
        ('{"name": "a", "tags": ["b", 1]}', "$.tags[1]"),
        ("{}", "$"),
        ('{"name": "a", "x": 1}', "$"),
        ("Rex", "$"),
        ('```json\n{"name": "a"}\n```', "$"),
        ("", "$"),
        ("[" * 5000, "$"),
        ('{"name": NaN}', "$"),
        ('{"name": "\\ud800", "\\ud800": 1}', "$"),
    ],
)
def test_a_mismatch_says_at_which_path(text: str, path: str) -> None:
    fit = judged(PET, text)
    assert fit is not None
    assert not fit.matches
    assert (fit.path, bool(fit.problem)) == (path, True)


@pytest.mark.parametrize("text", ['{"name": "Rex"}', ' {"name": "\\ud800"} ', '{"name": "a", "tags": []}'])
def test_an_answer_that_keeps_to_its_schema_matches(text: str) -> None:
    assert judged(PET, text) == Fit(matches=True)


def test_an_answer_that_was_cut_off_says_so() -> None:
    fit = judged(PET, '{"name": "R', "max_tokens")
    assert fit is not None
    assert "cut off" in fit.problem


def test_a_call_of_a_tool_is_no_answer_yet() -> None:
    assert judged(PET, '{"city": "Rome"}', "tool_use") is None


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"properties": {"a": {"$ref": "other.json"}}},
        {"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"},
        {"properties": {"a": {"$ref": "#"}}},
        {"$defs": {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}, "$ref": "#/$defs/d0"},
        {"$ref": "#/$defs/gone"},
        {"type": "thing"},
        {"pattern": "("},
        {"pattern": "(a{1000}){1000}"},
        {"anyOf": [{"pattern": "a"}] * 100},
        {"$dynamicRef": "#x"},
        {"enum": list(range(30_000))},
    ],
)  # fmt: skip
def test_a_schema_that_could_take_long_or_lead_elsewhere_judges_nothing(schema: dict[str, Any]) -> None:
    assert judged(schema, "{}") is None


def test_a_pattern_is_matched_in_linear_time() -> None:
    fit = judged({"pattern": "^(a+)+$"}, json.dumps("a" * 50_000 + "!"))
    assert fit is not None
    assert not fit.matches


def test_a_deep_schema_and_a_deep_answer_end_in_no_judgement() -> None:
    schema: dict[str, Any] = {}
    for _ in range(100):
        schema = {"items": schema}
    assert judged(schema, "[]") is None
    assert judged({"enum": [1]}, "[" * 400 + "]" * 400) is None


def test_an_answer_too_large_for_its_schema_is_not_judged() -> None:
    assert judged({"enum": list(range(9000))}, json.dumps("a" * 10_000)) is None


def test_each_distinct_schema_is_parsed_once_and_few_are_kept() -> None:
    judge = Judge()

    def asked(number: int) -> Asked:
        body = {"response_format": {"json_schema": {"schema": {"title": str(number)}}}}
        return msgspec.json.decode(json.dumps(body), type=Asked)

    first = judge.schema(asked(0))
    assert judge.schema(asked(0)) is first
    for number in range(answer_schemas.KEPT_SCHEMAS * 2):
        judge.schema(asked(number))
    assert len(judge._kept) <= answer_schemas.KEPT_SCHEMAS


def test_columns_are_the_top_level_fields_with_their_types() -> None:
    schema = {
        "$defs": {"price": {"type": "number"}},
        "type": "object",
        "properties": {
            "a": {"type": "string"},
            "b": {"type": ["integer", "null"]},
            "c": {"anyOf": [{"$ref": "#/$defs/price"}, {"type": "null"}]},
            "d": {"enum": ["x", "y", None]},
            "e": {"const": True},
            "f": {"type": "array"},
            "g": {},
        },
    }
    kinds = ["string", "integer", "number", "string", "boolean", "json", "json"]
    assert parse_schema(schema).columns == tuple(map(Column, "abcdefg", kinds))  # type: ignore[arg-type] # kinds


def test_columns_of_several_schemas_come_together() -> None:
    def asked(**kinds: str) -> dict[str, Any]:
        schema = {"type": "object", "properties": {name: {"type": kind} for name, kind in kinds.items()}}
        return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}

    lines = [asked(a="integer", b="string"), asked(a="number", b="boolean", c="string")]
    totals, _ = scanned(*(output_line("{}", each) for each in lines))
    assert totals.columns == [Column("a", "number"), Column("b", "json"), Column("c", "string")]


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        (5, "integer", 5), (5.0, "integer", 5), (5.5, "integer", None), (2**80, "integer", None),
        (True, "integer", None), ("5", "integer", None), (5, "number", 5.0), (10**400, "number", None),
        (True, "boolean", True), (1, "boolean", None), ("x", "string", "x"), ([1], "string", "[1]"),
        ({"a": 1}, "json", '{"a":1}'), ("x", "json", "x"), (None, "string", None),
    ],
)  # fmt: skip
def test_a_cell_has_the_type_of_its_column_or_is_empty(value: Any, kind: Any, shown: Any) -> None:
    assert cell(value, kind) == shown


def test_mismatches_are_grouped_by_path() -> None:
    asked = ASKED[1]
    answers = ['{"name": 1}', '{"name": 2}', '{"name": "a", "tags": [1]}', '{"name": "a", "tags": ["b", 2]}', "{}"]
    totals, _ = scanned(*(output_line(answer, asked, number=n) for n, answer in enumerate(answers)))
    groups = {group.path: (group.count, group.positions) for group in totals.misfits}
    assert groups == {"$.name": (2, [0, 1]), "$.tags[#]": (2, [2, 3]), "$": (1, [4])}


def test_a_record_shown_alone_is_judged_by_its_own_schema() -> None:
    lines = [output_line('{"name": 1}', ASKED[1]), output_line("{}"), b'{"recordId": "a", "error": {}}']
    fits = [fit_of(read_line(line, None), Judge()) for line in lines]
    assert fits[0] is not None
    assert fits[0].path == "$.name"
    assert fits[1:] == [None, None]


def test_an_index_keeps_what_matches_and_what_is_sorted_by() -> None:
    _, index = scanned(output_line('{"name": "a"}', ASKED[1]), output_line("x", ASKED[1], number=2), output_line("y"))
    again = Index.unpack(index.pack())
    assert (list(again.matches), list(again.mismatches), list(again.stops)) == ([0], [1], [1, 1, 1])


def strict_tool(*, strict: bool = True) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The same tool in each format, with an answer that calls it: ``%s`` in it stands for the input."""
    claude = {"name": "pet", "input_schema": PET, "strict": strict}
    called = {"content": [{"type": "text", "text": "Well."}, {"type": "tool_use", "name": "pet", "input": "%s"}]}
    spec = {"toolSpec": {"name": "pet", "inputSchema": {"json": PET}, "strict": strict}}
    use = {"output": {"message": {"content": [{"text": "Well."}, {"toolUse": {"name": "pet", "input": "%s"}}]}}}
    function = {"name": "pet", "parameters": PET, "strict": strict}
    call = {"function": {"name": "pet", "arguments": "%s"}}
    return [
        ({"tools": [claude]}, called | {"stop_reason": "tool_use"}),
        ({"toolConfig": {"tools": [spec]}}, use | {"stopReason": "tool_use"}),
        ({"additionalModelRequestFields": {"tools": [claude]}}, use | {"stopReason": "tool_use"}),
        (
            {"tools": [{"type": "function", "function": function}]},
            {"choices": [{"message": {"content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"}]},
        ),
        (
            {"tools": [{"type": "function", **function}]},
            {"output": [{"type": "function_call", "name": "pet", "arguments": "%s"}]},
        ),
    ]


def called_line(asked: dict[str, Any], answer: dict[str, Any], arguments: Any) -> bytes:
    text = json.dumps({"recordId": "r", "modelInput": asked, "modelOutput": answer})
    written = json.dumps(arguments)
    return text.replace('"%s"', json.dumps(written) if "arguments" in text else written).encode()


@pytest.mark.parametrize(("asked", "answer"), strict_tool())
def test_what_a_strict_tool_is_called_with_is_judged_by_its_schema(asked: Any, answer: Any) -> None:
    passed: list[Any] = [{"name": "Rex"}, {"name": 5}, {"name": "a", "tags": ["b", 1]}]
    lines = [called_line(asked, answer, each) for each in passed]
    totals, _ = scanned(*lines)
    assert (totals.with_schema, totals.matched, totals.mismatched) == (3, 1, 2)
    assert [(group.path, "pet" in group.problem) for group in totals.misfits] == [("$.name", True), ("$.tags[#]", True)]
    assert totals.columns == [Column("name", "string"), Column("tags", "json")]
    record = read_line(lines[0], None)
    assert fit_of(record, Judge()) == Fit(matches=True)
    assert answer_schemas.read_answer_fields(record.answer, record.calls) == {"name": "Rex"}


@pytest.mark.parametrize(("asked", "answer"), strict_tool(strict=False))
def test_what_any_other_tool_is_called_with_is_not_judged(asked: Any, answer: Any) -> None:
    assert scanned(called_line(asked, answer, {"name": 5}))[0].with_schema == 0


@pytest.mark.parametrize(
    ("arguments", "reason", "problem"),
    [
        ('{"name": "R', "tool_calls", "The input is not JSON"),
        ('{"name": "R', "length", "cut off"),
        ('{"tags": []}', "length", "cut off"),
        ('{"tags": []}', "tool_calls", "name"),
    ],
)
def test_an_input_that_is_not_whole_says_so(arguments: str, reason: str, problem: str) -> None:
    asked = {"tools": [{"type": "function", "function": {"name": "pet", "parameters": PET, "strict": True}}]}
    call = {"function": {"name": "pet", "arguments": arguments}}
    answer = {"choices": [{"message": {"tool_calls": [call]}, "finish_reason": reason}]}
    fit = fit_of(read_line(called_line(asked, answer, None), None), Judge())
    assert fit is not None
    assert (fit.matches, fit.path, problem in fit.problem) == (False, "$", True)


def test_an_answer_that_calls_no_tool_has_nothing_to_keep_to() -> None:
    asked = {"tools": [{"name": "pet", "input_schema": PET, "strict": True}]}
    assert scanned(output_line("No pet here.", asked))[0].with_schema == 0


def test_what_is_kept_of_schemas_is_bounded_in_bytes() -> None:
    judge = Judge()
    for number in range(40):
        judge.schema(Asked(chat=msgspec.Raw(b'{"x": "%s%d"}' % (b"a" * 2**20, number))))
    assert sum(len(text) for _, text in judge._kept) < 2**23
