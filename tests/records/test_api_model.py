"""Whatever member the newest API model gives a Converse request, at any depth, the input check knows."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

from msgspec import inspect

from batchconsole.records.families.converse_body import ConverseBody
from batchconsole.setup.paths import BOTOCORE

ELSEWHERE = {"modelId"}  # in the URL


def shapes() -> dict[str, Any]:
    path = next((BOTOCORE / "botocore" / "data" / "bedrock-runtime").glob("*/service-2.json.gz"))
    found: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))["shapes"]
    return found


def unknown(kinds: list[inspect.Type], name: str, path: str, known: dict[str, Any]) -> Iterator[str]:
    """The paths of members of shape *name* that no type of *kinds* has; an open type has all."""
    shape = known[name]
    if shape["type"] == "list":
        lists = [kind.item_type for kind in kinds if isinstance(kind, inspect.ListType)]
        yield from unknown(flat(lists), shape["member"]["shape"], f"{path}[]", known) if lists else ()
    structs = [kind for kind in kinds if isinstance(kind, inspect.StructType)]
    for member, told in shape.get("members", {}).items() if structs else ():
        fields = [field for kind in structs for field in kind.fields if field.encode_name == member]
        if not fields and member not in ELSEWHERE:
            yield f"{path}.{member}"
        yield from unknown(flat([field.type for field in fields]), told["shape"], f"{path}.{member}", known)


def flat(kinds: list[inspect.Type]) -> list[inspect.Type]:
    return [each for kind in kinds for each in (kind.types if isinstance(kind, inspect.UnionType) else (kind,))]


def test_every_member_of_a_converse_request_is_known() -> None:
    assert list(unknown([inspect.type_info(ConverseBody)], "ConverseRequest", "$", shapes())) == []


def words(kinds: list[inspect.Type], name: str, path: str, known: dict[str, Any]) -> Iterator[tuple[str, set[str]]]:
    """The words of each enumeration that our type of it does not take."""
    shape = known[name]
    ours = [kind for kind in kinds if isinstance(kind, inspect.LiteralType)]
    if "enum" in shape and ours:
        yield path, set(shape["enum"]) - {str(value) for kind in ours for value in kind.values}
    lists = [kind.item_type for kind in kinds if isinstance(kind, inspect.ListType)]
    if shape["type"] == "list" and lists:
        yield from words(flat(lists), shape["member"]["shape"], f"{path}[]", known)
    structs = [kind for kind in kinds if isinstance(kind, inspect.StructType)]
    for member, told in shape.get("members", {}).items():
        fields = [field.type for kind in structs for field in kind.fields if field.encode_name == member]
        yield from words(flat(fields), told["shape"], f"{path}.{member}", known) if fields else ()


def test_every_word_of_an_enumeration_is_taken() -> None:
    found = list(words([inspect.type_info(ConverseBody)], "ConverseRequest", "$", shapes()))
    assert len(found) > 10
    assert {path: missing for path, missing in found if missing} == {}
