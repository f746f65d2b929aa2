"""The permissions of the service role in the create form, and the policy documents of the role it would create."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from batchconsole.console.create.forms import JobForm
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.roles.access import check_access
from batchconsole.console.roles.policy import role_policy


@require_POST
def access(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Show whether the form's current role may read and write its current locations.

    With ``quiet`` in the query string, the user did not request this check: the response then leaves out missing
    fields, and errors other than a missing role.
    """
    form = JobForm(request.POST, connection=request.connection)
    context = {"access": check_access(form, request.connection, request.user), "is_quiet": "quiet" in request.GET}
    return render(request, "console/roles/_role_access_answer.html", context)


@require_POST
def policy(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Show the policy documents of a new role for the form's current values."""
    form = JobForm(request.POST, connection=request.connection)
    shown = {"policy": role_policy(form, request.connection, request.user)}
    return render(request, "console/roles/_role_policy_documents.html", shown)
