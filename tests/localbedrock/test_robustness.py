"""Every request gets a response: never a 500 or a hang, and nothing that botocore cannot parse."""

import http.client
import json
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError, ParamValidationError
from botocore.model import Shape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchconsole.localbedrock.answers import Answerer
from batchconsole.localbedrock.jobs import Caller
from batchconsole.localbedrock.lines import NotARecord, read_envelope, read_lines
from batchconsole.localbedrock.media import Media
from batchconsole.localbedrock.modelservers.echo import EchoModel
from batchconsole.localbedrock.operations import OPERATIONS
from batchconsole.localbedrock.wire import routes
from batchconsole.records.families import FAMILIES
from tests.localbedrock.stack import SIGNED, Service

ROUTES = {route.model.name: route for route in routes(frozenset(OPERATIONS))}
patient = settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
pieces = st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode())


# Requests as botocore makes them


def values(shape: Shape, depth: int = 0) -> st.SearchStrategy[Any]:
    """Return a strategy for values of *shape*'s type, mostly within its constraints."""
    metadata = shape.metadata
    if shape.type_name == "structure":
        return (
            st.dictionaries(st.text(max_size=5), json_values, max_size=3)
            if shape.is_document_type
            else structures(shape, depth)
        )
    if shape.type_name == "list":
        least = min(metadata.get("min", 0), 2)
        return st.lists(values(shape.member, depth + 1), min_size=least, max_size=least + 1)
    if shape.type_name == "map":
        return st.dictionaries(values(shape.key), values(shape.value, depth + 1), max_size=2)
    if shape.serialization.get("location") == "header":
        return st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
    if shape.type_name == "string":
        return strings(metadata)
    least = metadata.get("min", 0)
    return {
        "integer": st.integers(least, metadata.get("max", 2**31 - 1)),
        "long": st.integers(least, 2**60),
        "float": st.floats(least, metadata.get("max", 100)),
        "double": st.floats(least, metadata.get("max", 100)),
        "boolean": st.booleans(),
        "blob": st.binary(max_size=40),
        "timestamp": st.datetimes(),
    }[shape.type_name]


def strings(metadata: dict[str, Any]) -> st.SearchStrategy[str]:
    if "enum" in metadata:
        return st.sampled_from(metadata["enum"])
    anything = st.text(st.characters(exclude_categories=["Cs"]), min_size=max(metadata.get("min", 0), 1), max_size=30)
    if "pattern" not in metadata or len(metadata["pattern"]) > 200:
        return anything
    return st.from_regex(metadata["pattern"], fullmatch=True) | anything


@st.composite
def structures(draw: st.DrawFn, shape: Shape, depth: int) -> dict[str, Any]:
    if shape.is_tagged_union:
        name = draw(st.sampled_from(list(shape.members)))
        return {name: draw(values(shape.members[name], depth + 1))}
    wanted = [name for name in shape.members if name in shape.required_members or (depth < 4 and draw(st.booleans()))]
    return {name: draw(values(shape.members[name], depth + 1)) for name in wanted}


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_request_botocore_accepts_gets_an_answer_it_parses(service: Service, name: str) -> None:
    model = ROUTES[name].model
    client = service.client(model.service_model.service_name)
    method = getattr(
        client, next(verb for verb, operation in client.meta.method_to_api_mapping.items() if operation == name)
    )

    @patient
    @given(params=structures(model.input_shape, 0))
    def check(params: dict[str, Any]) -> None:
        try:
            answer = method(**params)
        except ParamValidationError:
            return
        except ClientError as error:
            answer = error.response
            assert answer["Error"]["Code"] != "InternalServerException"
            assert answer["Error"]["Message"]
        assert answer["ResponseMetadata"]["HTTPStatusCode"] < 500
        assert answer["ResponseMetadata"]["RequestId"]

    check()


# Bytes


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_no_body_gives_a_500_or_a_hang(service: Service, name: str) -> None:
    route = ROUTES[name]
    path = (
        route.model.http["requestUri"]
        .replace("{modelId}", "amazon.nova-lite-v1:0")
        .replace("{jobIdentifier}", "aaaaaaaaaaaa")
        .replace("{", "")
        .replace("}", "")
    )
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)

    @patient
    @given(body=pieces)
    def check(body: bytes) -> None:
        connection.request(route.method, path, body, SIGNED)
        response = connection.getresponse()
        json.loads(response.read())
        assert response.status < 500

    check()
    connection.close()


@patient
@given(path=st.text(max_size=30), query=st.text(max_size=30), method=st.sampled_from(["GET", "POST"]))
def test_no_path_or_query_gives_a_500(service: Service, path: str, query: str, method: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    quoted = "".join(f"%{byte:02x}" for byte in path.encode(errors="replace"))
    fields = "".join(f"%{byte:02x}" for byte in query.encode(errors="replace"))
    for target in (
        f"/{quoted}",
        f"/model-invocation-job/{quoted}",
        f"/model-invocation-jobs?nextToken={fields}",
        f"/model-invocation-jobs?nameContains={fields}&maxResults={fields}",
        f"/inference-profiles?{fields}",
    ):
        connection.request(method, target, headers=SIGNED)
        response = connection.getresponse()
        response.read()
        assert response.status < 500
    connection.close()


# Records


@patient
@given(content=st.lists(pieces, max_size=6).map(b"\n".join), sizes=st.integers(1, 40))
def test_lines_are_the_same_however_they_arrive(content: bytes, sizes: int) -> None:
    arriving = (content[start : start + sizes] for start in range(0, len(content), sizes))
    lines = list(read_lines(arriving, limit=10_000))
    assert lines == list(read_lines([content], limit=10_000))
    assert [line.end for line in lines] == sorted({line.end for line in lines})
    for line in lines:
        assert read_lines([content[line.end :]], offset=line.end, limit=10_000) is not None
        assert content[: line.end].rstrip(b"\n \t\r").endswith(line.data)


@patient
@given(line=pieces)
def test_a_line_is_a_record_or_is_not(line: bytes) -> None:
    try:
        model_input = bytes(read_envelope(line).modelInput)
    except NotARecord:
        return
    assert model_input.startswith(b"{")


def mutations(sample: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for variants of *sample* with values replaced, removed or added."""
    if isinstance(sample, dict):
        members = {name: mutations(value) for name, value in sample.items()}
        whole = st.fixed_dictionaries({}, optional=members) | st.fixed_dictionaries(members)
        grown = st.tuples(whole, st.dictionaries(st.text(max_size=8), json_values, max_size=1))
        return whole | grown.map(lambda pair: pair[0] | pair[1])
    if isinstance(sample, list):
        return st.lists(st.one_of([mutations(item) for item in sample]), max_size=3) if sample else json_values
    return st.just(sample) | st.just(sample) | json_values


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_every_record_gets_a_line(name: str) -> None:
    family = FAMILIES[name]
    caller = Caller("123456789012", "us-east-1")
    answerer = Answerer(family, EchoModel(), Media(), model_id="amazon.nova-lite-v1:0", caller=caller)

    @settings(patient, max_examples=150)
    @given(
        body=mutations(family.sample()) | st.dictionaries(st.text(max_size=8), json_values, max_size=4),
        record_id=json_values,
    )
    def check(body: Any, record_id: Any) -> None:
        answer = answerer.answer(json.dumps({"modelInput": body, "recordId": record_id}).encode(), 1)
        assert answer.line.count(b"\n") == 1
        line = msgspec.json.decode(answer.line)
        assert ("error" in line) != ("modelOutput" in line)
        assert line.get("error", {}).get("errorCode") != 500
        assert answer.counts.success + answer.counts.error == 1

    check()
