"""Calls of Bedrock that are not about batch jobs, passed on for a program as the connection."""

from collections.abc import Mapping

from django.contrib.auth.models import User

from batchconsole.aws import passing_on
from batchconsole.aws.errors import AwsError
from batchconsole.aws.passing_on import Passed
from batchconsole.jobs.access import require
from batchconsole.jobs.models import Connection, Right

# Operation of the API -> the right that it takes. Asking a model costs money, so it takes the right to create jobs.
PASSED_ON = {
    "ListFoundationModels": Right.VIEW,
    "GetFoundationModel": Right.VIEW,
    "ListInferenceProfiles": Right.VIEW,
    "GetInferenceProfile": Right.VIEW,
    "Converse": Right.SUBMIT,
    "ConverseStream": Right.SUBMIT,
    "InvokeModel": Right.SUBMIT,
    "InvokeModelWithResponseStream": Right.SUBMIT,
    "CountTokens": Right.SUBMIT,
}


def pass_on(
    connection: Connection,
    actor: User,
    operation: str,
    *,
    service: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
) -> Passed:
    """Send the call of *operation* on, if it is one of those above and *actor* may; raises NotAllowed and AwsError."""
    if operation not in PASSED_ON:
        raise AwsError(
            f"The console does not pass on {operation}: it takes the calls about batch inference jobs, and "
            f"{', '.join(PASSED_ON)}. Call Amazon Bedrock itself for it.",
            code="AccessDeniedException",
            operation=operation,
        )
    require(actor, PASSED_ON[operation], connection)
    return passing_on.pass_on(connection.target, service, method=method, path=path, headers=headers, body=body)
