"""What the service role of the create form may do, and the documents of the one it would make."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from batchconsole.console.create.forms import JobForm
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.roles.access import check_access
from batchconsole.console.roles.policy import role_policy


@require_POST
def access(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Whether the role the form holds now may read and write what the form holds now.

    With ``quiet`` nobody has asked: what is missing to answer is not said, nor why there is no answer.
    """
    form = JobForm(request.POST, connection=request.connection)
    context = {"access": check_access(form, request.connection, request.user), "is_quiet": "quiet" in request.GET}
    return render(request, "console/roles/_role_access_answer.html", context)


@require_POST
def policy(request: ConsoleRequest, connection: str) -> HttpResponse:
    """The documents for what the form holds now."""
    form = JobForm(request.POST, connection=request.connection)
    shown = {"policy": role_policy(form, request.connection, request.user)}
    return render(request, "console/roles/_role_policy_documents.html", shown)
