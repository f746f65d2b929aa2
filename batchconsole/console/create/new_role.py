"""Creating the service role that the create form asks for, before the job that uses it."""

from dataclasses import replace

from django.contrib import messages

from batchconsole.console.create.forms import JobForm
from batchconsole.console.create.offers import forget_offer
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.jobs.models import JobRequest
from batchconsole.jobs.service_roles import create_service_role


def with_role(request: ConsoleRequest, form: JobForm, asked: JobRequest) -> JobRequest:
    """Return *asked* with the new role, which is created, if the form requests one; its locations are those of *asked*.

    If the job is then refused, the form keeps the new role selected. Raises NotAllowed and AwsError.
    """
    if not form.makes_role:
        return asked
    name = form.cleaned_data["role_name"]
    role_arn = create_service_role(request.connection, request.user, role_name=name, request=asked)
    form.use_role(role_arn)
    forget_offer("role_arn", request.connection)
    messages.success(request, f"The service role {name} was created.")
    return replace(asked, role_arn=role_arn)
