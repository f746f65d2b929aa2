"""Handle a call of Bedrock's API: parse it by the API's model, then answer it here or pass it on to AWS."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from django.contrib.auth.models import User

from batchconsole.aws.api_requests import ApiRequest, find_operation, read_input
from batchconsole.aws.passing_on import Passed
from batchconsole.jobs.models import Connection
from batchconsole.jobs.programs import gateway, gateway_list
from batchconsole.jobs.programs.passing_on import pass_on

OWN: dict[str, Callable[..., dict[str, Any]]] = {
    "CreateModelInvocationJob": gateway.create,
    "GetModelInvocationJob": gateway.get,
    "ListModelInvocationJobs": gateway_list.list_jobs,
    "StopModelInvocationJob": gateway.stop,
    "TagResource": gateway.tag,
    "UntagResource": gateway.untag,
    "ListTagsForResource": gateway.list_tags,
}
# Path parameters that name a model or profile in the calls that are passed on.
MODEL_LABELS = frozenset({"modelId", "modelIdentifier", "inferenceProfileIdentifier"})


def answer_call(
    connection: Connection,
    actor: User,
    *,
    method: str,
    path: str,
    query: str = "",
    headers: Mapping[str, str],
    body: bytes = b"",
) -> dict[str, Any] | Passed:
    """Return the members of the answer, ready for JSON, or AWS's own answer if the call is passed on.

    *path*, in Bedrock's form, and *query* are still percent-encoded; *headers* are those to pass on. Raises AwsError,
    NotAllowed and UserError.
    """
    call = ApiRequest(method=method, path=path, query=dict(parse_qsl(query, keep_blank_values=True)), body=body)
    operation, labels = find_operation(call)
    if operation.name in OWN:
        return OWN[operation.name](connection, actor, read_input(operation, labels, call))
    named = labels.keys() & MODEL_LABELS
    return pass_on(
        connection,
        actor,
        operation.name,
        service=operation.service,
        method=method,
        path=f"{path}?{query}" if query else path,
        model_id=labels[named.pop()] if named else "",
        headers=headers,
        body=body,
    )
