"""Results of a Message Batch: a line for each request, with Claude's own answer or why there is none.

Source: Anthropic's API reference, retrieve Message Batch results.
"""

from typing import Any, Literal

from batchconsole.records.anthropic_errors import error_body
from batchconsole.records.openai_answers import Reply, Usage, model_output, request_id, status_of, told_line, usage_of
from batchconsole.records.openai_lines import Line
from batchconsole.records.output_lines import Record

Kind = Literal["succeeded", "errored", "canceled", "expired"]
# What a request becomes that was not executed, by the code that OpenAI's dialect has for it.
ENDS: dict[str, Kind] = {"batch_expired": "expired", "batch_cancelled": "canceled"}


def message_result(line: Line, record: Record, *, batch_id: str) -> Reply:
    """Return the result with the answer or the error in the output line *record*."""
    if record.error_message is not None:
        error = error_body(status_of(record.error_code), record.error_message)
        return _reply(line, "errored", {"error": error})
    output = model_output(record.raw)
    if not isinstance(output, dict):
        return message_without_answer(line, code="server_error", message="The answer could not be read.")
    known = {"id": f"msg_{request_id(batch_id, line.custom_id)[:24]}", "type": "message", "role": "assistant"}
    message = known | {"model": line.model} | output
    return _reply(line, "succeeded", {"message": message}, usage=usage_of(output))


def message_without_answer(line: Line, *, code: str, message: str) -> Reply:
    """Return the result of a request that was not executed; *code* is that of OpenAI's dialect."""
    kind = ENDS.get(code, "errored")
    if kind != "errored":
        return _reply(line, kind, {})
    return _reply(line, kind, {"error": error_body(500 if code == "server_error" else 400, message)})


def _reply(line: Line, kind: Kind, more: dict[str, Any], *, usage: Usage | None = None) -> Reply:
    told = {"custom_id": line.custom_id, "result": {"type": kind, **more}}
    return Reply(line=told_line(told), is_error=kind != "succeeded", usage=usage or Usage(), kind=kind)
