"""The rule for schemas of structured outputs, shared by all members that hold a schema."""

from collections.abc import Iterator
from typing import Any

from batchconsole.records.families.faults import Fault, rule
from batchconsole.records.output_schemas import find_misfits


def schema_faults(schema: Any, path: str, *, closed: bool = False) -> Iterator[Fault]:
    """Yield a fault for each part of the *schema* at *path* that Bedrock refuses. The schema is parsed or JSON text.

    Each fault's path includes the path inside the schema. For *closed*, see
    :func:`~batchconsole.records.output_schemas.find_misfits`.
    """
    if not isinstance(schema, dict | str | bytes):
        yield rule("schema-unsupported", path, found="no object", expected="a JSON Schema, which is an object")
        return
    for misfit in find_misfits(schema, closed=closed):
        where = path + misfit.path[1:]
        yield rule(
            "schema-unsupported",
            where,
            found=misfit.found,
            expected=misfit.expected,
            refusal=f"{where.removeprefix('$.')}: the output schema is not supported: {misfit.found}. Expected "
            f"{misfit.expected}.",
        )
