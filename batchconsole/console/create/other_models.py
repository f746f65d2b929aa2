"""The rules of the create form for the models besides the first, which get a job each with the same input."""

from collections.abc import Iterator, Mapping
from typing import Any

from batchconsole.console.kit.errors import sentences
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.model_rules import refusal, takes_converse
from batchconsole.jobs.models import Connection
from batchconsole.jobs.outputs.comparing import require_one_body
from batchconsole.jobs.rights.access import require_model
from batchconsole.jobs.service_roles import is_inference_profile
from batchconsole.records import catalogue

LEFT_OUT = "The other models of the form were left out."


def problems_of_other_models(connection: Connection, values: Mapping[str, Any], *, makes_role: bool) -> Iterator[str]:
    """Yield a sentence for each problem of ``other_model_ids`` in the cleaned *values* of the form."""
    first, others = values.get("model_id", ""), values.get("other_model_ids") or []
    invocation_type = values.get("model_invocation_type", "")
    if not others:
        return
    for model_id in others:
        yield from _problems_of(connection, model_id, invocation_type=invocation_type)
    if first in others:
        yield f"{first} is the model chosen above. Choose other models here."
    if first and invocation_type:
        try:
            require_one_body([first, *others], invocation_type)
        except UserError as error:
            yield sentences(error)
    if makes_role and any(map(is_inference_profile, others)):
        yield "A new service role may invoke the inference profile of one model. Choose an existing role that may all."
    if values.get("resend_of"):
        yield "Records are resent to one model. Remove the other models, or clone the job to compare models."


def _problems_of(connection: Connection, model_id: str, *, invocation_type: str) -> Iterator[str]:
    reason = refusal(model_id, connection.region)
    if reason:
        yield f"{model_id}: {reason}"
    model = catalogue.find_model(model_id)
    if model and invocation_type == "Converse" and not takes_converse(model):
        yield f"{model.name} does not take Converse requests."
    try:
        require_model(connection, model_id)
    except UserError as error:
        yield sentences(error)
