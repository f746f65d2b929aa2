"""The input check: the corpus of samples, limits and whole-file mistakes, and that any bytes at all end in a report."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchconsole.records import files, preflight, report
from batchconsole.records.families import FAMILIES
from batchconsole.records.inspection import CheckTarget, Inspector
from batchconsole.records.limits import Limits
from batchconsole.records.report import MAX_EXAMPLES, MAX_PROBLEMS, Problem, Report
from batchconsole.records.sniffing import sniff
from tests.records.strategies import mutations

SAMPLES = Path(__file__).parents[1] / "samples"
CASES: dict[str, dict[str, Any]] = json.loads((SAMPLES / "cases.json").read_bytes())
ANY_SIZE = Limits(min_records_per_job=0)
NOVA: dict[str, Any] = {"model_id": "amazon.nova-lite-v1:0", "invocation_type": "InvokeModel"}
EMBEDDINGS: dict[str, Any] = {"model_id": "amazon.titan-embed-text-v2:0", "invocation_type": "InvokeModel"}


def lines(*records: Any) -> bytes:
    return b"".join(msgspec.json.encode(record) + b"\n" for record in records)


def text_record(number: int, text: str = "a river") -> dict[str, Any]:
    return {"recordId": f"R{number}", "modelInput": {"inputText": text}}


def check(data: bytes, name: str = "input.jsonl", limits: Limits = ANY_SIZE, **options: Any) -> Report:
    return preflight.check([files.from_bytes(name, data)], limits=limits, **(EMBEDDINGS | options))


def problem(found: Report, code: str) -> Problem:
    return next(problem for problem in found.problems if problem.code == code)


def codes(found: Report) -> list[str]:
    return [problem.code for problem in found.problems]


@pytest.mark.parametrize("name", CASES)
def test_a_sample_gets_its_report(name: str) -> None:
    found = preflight.check([files.from_path(SAMPLES / name, name=name)], limits=ANY_SIZE, **CASES[name])
    assert msgspec.to_builtins(found) == json.loads((SAMPLES / f"{name}.report.json").read_bytes())


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("good/")])
def test_good_samples_have_no_errors(name: str) -> None:
    found = preflight.check([files.from_path(SAMPLES / name, name=name)], limits=ANY_SIZE, **CASES[name])
    assert found.ok


@pytest.mark.parametrize("name", sorted(set(FAMILIES) - {"mistral"}))
def test_another_familys_body_is_named(name: str) -> None:
    body = FAMILIES[name].sample()
    found = check(lines({"recordId": "a", "modelInput": body}), model_id="mistral.mistral-large-2407-v1:0")
    title = FAMILIES[name].title
    if name not in ("openai_chat", "deepseek"):  # chat messages are Mistral's own
        assert title in problem(found, "wrong-family").message
        assert "mistral.mistral-large-2407-v1:0 expects the Mistral format" in problem(found, "wrong-family").message


def test_a_report_survives_json() -> None:
    found = check(lines(text_record(1), {"recordId": 2}))
    assert report.decode(report.encode(found)) == found


def test_examples_are_bounded_and_counts_exact() -> None:
    found = check(lines(*({"recordId": f"R{number}", "modelInput": {}} for number in range(500))))
    missing = problem(found, "missing-field")
    assert (missing.count, len(missing.examples)) == (500, MAX_EXAMPLES)
    assert missing.examples[1].line == 2
    assert found.records_with_errors == 500


def test_kinds_of_problems_are_bounded_too() -> None:
    found = check(
        lines(
            *(
                {"recordId": f"R{number}", "modelInput": {"inputText": "a", f"x{number}": 1}}
                for number in range(3 * MAX_PROBLEMS)
            )
        )
    )
    assert len(found.problems) == MAX_PROBLEMS + 1
    assert found.errors == 3 * MAX_PROBLEMS


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(min_records_per_job=3), "too-few-records"),
        (Limits(min_records_per_job=0, records_per_job=1), "too-many-records"),
        (Limits(min_records_per_job=0, records_per_file=1), "too-many-records-in-file"),
        (Limits(min_records_per_job=0, bytes_per_file=10), "file-too-large"),
        (Limits(min_records_per_job=0, bytes_per_job=10), "job-too-large"),
    ],
)
def test_limits_are_errors(limits: Limits, code: str) -> None:
    found = check(lines(text_record(1), text_record(2)), limits=limits)
    assert codes(found) == [code]
    assert not found.ok


def test_a_folder_is_checked_as_one_input() -> None:
    folder = [files.from_bytes(f"in/{number}.jsonl", lines(text_record(number))) for number in (1, 2, 1)]
    folder.append(files.from_bytes("in/picture.png", b"\x89PNG"))
    folder.append(files.from_bytes("in/more.csv", b"a,b"))
    found = preflight.check(folder, limits=ANY_SIZE, **EMBEDDINGS)
    assert (found.records, found.file_count) == (3, 3)
    assert problem(found, "ignored-file").examples[0].file == "in/more.csv"
    assert problem(found, "repeated-record-id").examples[0].found == "also in line 1 of in/1.jsonl"


def test_a_folder_without_jsonl_is_no_input() -> None:
    found = preflight.check([files.from_bytes("a.png", b"x"), files.from_bytes("b.png", b"y")], **EMBEDDINGS)
    assert codes(found) == ["no-input", "too-few-records"]


def test_tokens_and_cost_are_estimated() -> None:
    body = {"messages": [{"role": "user", "content": [{"text": "x" * 4000}]}], "inferenceConfig": {"maxTokens": 500}}
    found = check(lines(*({"recordId": f"R{number}", "modelInput": body} for number in range(1000))), **NOVA)
    assert (found.estimated_input_tokens, found.output_tokens_at_most) == (1_000_000, 500_000)
    assert found.cost is not None
    assert (found.cost.input_usd, found.cost.output_usd_at_most) == (Decimal("0.03"), Decimal("0.06"))


def test_without_a_bound_the_models_own_limit_counts() -> None:
    body = {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}
    assert check(lines({"recordId": "a", "modelInput": body}), **NOVA).output_tokens_at_most == 10_000


def test_an_unknown_price_gives_no_cost() -> None:
    assert check(lines(text_record(1)), model_id="amazon.titan-embed-image-v1").cost is None


def test_progress_tells_bytes_records_and_problems() -> None:
    told: list[preflight.CheckProgress] = []
    data = lines(*(text_record(number, "x" * 1000) for number in range(1000)), {"recordId": "a"})
    check(data, progress=told.append)
    assert len(told) > 3
    assert told[-1] == preflight.CheckProgress(bytes=len(data), total_bytes=len(data), records=1001, problems=1)


def test_find_all_lists_every_finding() -> None:
    data = lines(*({"recordId": f"R{number}"} for number in range(200)))
    found = list(preflight.find_all([files.from_bytes("a.jsonl", data)], **EMBEDDINGS))
    assert [finding.example.line for finding in found] == list(range(1, 201))


def bad_and_good(count: int) -> Iterator[bytes]:
    for number in range(count):
        yield b"{" if number % 1000 == 999 else msgspec.json.encode(text_record(number % 40_000, "x" * 900))


def test_parts_read_by_workers_give_the_same_report(tmp_path: Path) -> None:
    path = tmp_path / "big.jsonl"
    path.write_bytes(b"\n".join(bad_and_good(45_000)))
    assert path.stat().st_size > 2 * preflight.PART_BYTES
    alone = preflight.check([files.from_path(path)], **EMBEDDINGS)
    with ThreadPoolExecutor(2) as executor:
        assert preflight.check([files.from_path(path)], executor=executor, **EMBEDDINGS) == alone
    assert problem(alone, "invalid-json").examples[3].line == 4000
    assert problem(alone, "repeated-record-id").count == 4_995


snippets = st.sampled_from([
    b"\n", b"\r\n", b" ", b"{", b"}", b"[", b"]", b",", b'"', b"\\u2028", b"\xef\xbb\xbf", b"\xff", b"null", b"1e999",
    b'{"recordId":"a","modelInput":{"messages":[{"role":"user","content":[{"text":"hi"}]}]}}\n',
    b'{"recordId":"a","modelInput":', b'{"messages":[{"role":"user","content":', b'{"text":"hi"}', b"[" * 3000,
    b'"inferenceConfig":{"maxTokens":', b'{"custom_id":"a","body":{}}\n', b"id,prompt\n", b"\x1f\x8b", b"\x00",
])  # fmt: skip
any_bytes = st.lists(snippets | st.binary(max_size=20), max_size=12).map(b"".join)
targets = st.sampled_from([
    {"model_id": model_id, "invocation_type": kind} for kind in ("InvokeModel", "Converse")
    for model_id in ("amazon.nova-lite-v1:0", "anthropic.claude-sonnet-4-6", "openai.gpt-oss-20b-1:0", "unknown")
])  # fmt: skip


@given(data=any_bytes, target=targets)
def test_any_bytes_end_in_a_report(data: bytes, target: dict[str, Any]) -> None:
    found = check(data, input_s3_uri="s3://bucket/in/", **target)
    assert report.decode(report.encode(found)) == found


@given(parts=st.lists(any_bytes, max_size=3), target=targets)
def test_the_full_list_is_what_the_report_counts(parts: list[bytes], target: dict[str, Any]) -> None:
    inputs = [files.from_bytes(f"{number}.jsonl", data) for number, data in enumerate(parts)]
    counted = preflight.check(inputs, **target)
    listed = Counter((finding.code, finding.message) for finding in preflight.find_all(inputs, **target))
    grouped = Counter[tuple[str, str]]()
    for each in counted.problems:
        grouped[each.code, each.message] += each.count
    assert listed == grouped


RICH: dict[str, dict[str, Any]] = {
    "converse": {
        "messages": [{"role": "user", "content": [{"text": "a"}]}, {"role": "assistant", "content": [{"text": "b"}]}],
        "system": [{"text": "c"}],
        "inferenceConfig": {"maxTokens": 9, "temperature": 0.5, "topP": 0.5},
    },
    "nova": {
        "messages": [{"role": "user", "content": [{"text": "a"}]}],
        "inferenceConfig": {"maxTokens": 9, "max_new_tokens": 9, "topP": 0.5, "top_p": 0.5},
    },
    "anthropic": {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 9,
        "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": [{"type": "text", "text": "b"}]},
        ],
        "system": "c",
        "temperature": 0.5,
        "top_p": 0.5,
    },
}
FAMILY_MODELS = {
    "converse": "us.anthropic.claude-opus-4-6-v1",
    "anthropic": "us.anthropic.claude-opus-4-6-v1",
    "nova": "amazon.nova-lite-v1:0",
    "llama": "us.meta.llama3-3-70b-instruct-v1:0",
    "mistral": "mistral.mistral-large-2407-v1:0",
    "titan_text": "amazon.titan-text-express-v1",
    "titan_embeddings": "amazon.titan-embed-text-v2:0",
    "openai_chat": "openai.gpt-oss-20b-1:0",
    "deepseek": "deepseek.v3-v1:0",
    "titan_multimodal_embeddings": "amazon.titan-embed-image-v1",
}


@pytest.mark.parametrize("name", sorted(FAMILIES))
@given(data=st.data())
def test_the_quick_look_overlooks_nothing(name: str, data: st.DataObject) -> None:
    """Whatever the quick look lets pass has no fault when looked at closely, and is measured the same."""
    family = FAMILIES[name]
    target = CheckTarget(
        model_id=FAMILY_MODELS[name], invocation_type="Converse" if name == "converse" else "InvokeModel"
    )
    inspector = Inspector(target)
    assert inspector.family is family
    body = data.draw(mutations(RICH.get(name, family.sample())))
    try:
        plain = msgspec.convert(body, family.plain or family.body)
    except msgspec.ValidationError:
        return
    size = family.quick_look(inspector.context)(plain)
    seen = inspector.look(msgspec.json.encode({"recordId": "a", "modelInput": body}), file="", number=1)
    if size is not None:
        assert seen.findings == []
        assert seen.size is not None
        assert (seen.size.characters, seen.size.max_tokens, seen.size.media) == (*size, 0)


def test_objects_with_commas_between_the_lines_are_not_called_pretty_printed() -> None:
    line = lines(text_record(1)).strip()
    assert {each.code for each in check(line + b",\n" + line + b"\n").problems} >= {"invalid-json"}
    assert "pretty-printed" not in {each.code for each in check(line + b",\n" + line + b"\n").problems}


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"ORC\n\x1b\n\x03\x12\x07", "an ORC table"),
        (b"Obj\x01\x04\x14", "an Avro table"),
        (b"PK\x03\x04", "Excel workbook"),
    ],
)
def test_a_binary_file_is_refused_by_its_name_and_not_line_by_line(head: bytes, words: str) -> None:
    sniffed = sniff("a.jsonl", head)
    assert not sniffed.readable
    assert words in sniffed.findings[0].message
