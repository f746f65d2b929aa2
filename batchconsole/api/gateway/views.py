"""The gateway's only view: authenticate the caller and pass the call to the domain."""

import re
from collections.abc import Mapping

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from batchconsole.api.gateway.answers import Json, answer_error
from batchconsole.api.gateway.incoming import MAX_BODY_BYTES, Incoming
from batchconsole.api.gateway.sign_in import find_caller
from batchconsole.api.middleware import request_id_of
from batchconsole.aws.errors import AwsError
from batchconsole.body_limits import takes_files
from batchconsole.jobs import origin
from batchconsole.jobs.models import Connection
from batchconsole.jobs.programs.gateway_calls import answer_call
from batchconsole.jobs.rights.access import rights_on

# The request headers sent on to AWS, and the response headers returned, if a call is passed on.
SENT_ON = ("content-type", "accept")
SENT_BACK = ("content-type", "x-amzn-errortype", "x-amzn-requestid")
OF_BEDROCK = "x-amzn-bedrock-"
ATTEMPT = re.compile(r"\battempt=(\d{1,4})\b", re.ASCII)


@csrf_exempt
@takes_files(max_bytes=MAX_BODY_BYTES)
def aws_gateway(request: HttpRequest, name: str, rest: str) -> HttpResponseBase:
    """Answer one call of an AWS client. *rest* is unused: the path is read as sent, the form that clients sign."""
    try:
        return _answer(Incoming.of(request), name)
    except Exception as error:  # report every error in the client's own dialect
        return answer_error(error, request_id_of(request))


def _answer(incoming: Incoming, name: str) -> HttpResponseBase:
    if len(incoming.body) > MAX_BODY_BYTES:
        raise RequestDataTooBig(f"The request body has more than {MAX_BODY_BYTES} bytes.")
    connection = Connection.objects.enabled().filter(name=name).first()
    user = find_caller(incoming, connection)
    if connection is None or not rights_on(user, connection):
        message = f"There is no connection {name!r} on which this key and its owner may do anything."
        raise AwsError(message, code="AccessDeniedException", operation="")
    if is_repeat(incoming.headers):
        origin.note_repeat()
    found = answer_call(
        connection,
        user,
        method=incoming.method,
        path=incoming.path_below(name),
        query=incoming.raw_query,
        headers=_chosen(incoming.headers, SENT_ON),
        body=incoming.body,
    )
    if isinstance(found, dict):
        return Json(found)
    return StreamingHttpResponse(found.chunks, status=found.status, headers=_chosen(found.headers, SENT_BACK))


def is_repeat(headers: Mapping[str, str]) -> bool:
    """Whether an SDK marks the request as a retry: ``amz-sdk-request: attempt=2; max=3``."""
    attempt = ATTEMPT.search(headers.get("amz-sdk-request", ""))
    return attempt is not None and int(attempt[1]) > 1


def _chosen(headers: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    lowered = {name.lower(): value for name, value in headers.items()}
    return {name: value for name, value in lowered.items() if name in names or name.startswith(OF_BEDROCK)}
