"""Stop one job from its page."""

from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from batchconsole.console.bulk_actions.stop import confirm
from batchconsole.console.bulk_actions.stop_question import StopQuestion
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.jobs.models import BatchJob


@require_http_methods(["GET", "HEAD", "POST"])
def one(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    job = get_object_or_404(BatchJob, connection=request.connection, pk=pk)
    data = QueryDict(f"job={job.pk}")
    return confirm(request, StopQuestion(request.connection, data), back=job.get_absolute_url())
