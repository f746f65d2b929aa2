"""The on-demand lane: what a job costs at most, jobs that send their records one by one, and the rest of batch jobs."""

from django.http import HttpRequest
from ninja import Router
from ninja.responses import Status as Answer

from batchconsole.api.v1.jobs import own_job, source_of_resend
from batchconsole.api.v1.schemas import IdempotencyKey, JobOut, Key
from batchconsole.api.v1.schemas_of_on_demand import OnDemandIn, QuoteIn, QuoteOut
from batchconsole.api.v1.scope import ConnectionName, caller_of, find_connection
from batchconsole.jobs.creating import Invalid
from batchconsole.jobs.job_rules import find_field_problems
from batchconsole.jobs.models import BatchJob, JobRequest, Right
from batchconsole.jobs.on_demand import costs, creating

router = Router(tags=["Jobs on demand"])


@router.post(
    "/on-demand/quote",
    response=QuoteOut,
    operation_id="quote_on_demand",
    summary="What records cost at most on demand",
)
def quote_on_demand(request: HttpRequest, connection: ConnectionName, payload: QuoteIn) -> costs.Quote:
    here = find_connection(request, connection, Right.SUBMIT)
    values = payload.model_dump()
    if problems := find_field_problems(values):
        raise Invalid(problems)
    limit = values.pop("records")
    return costs.quote(here, **values, record_limit=limit)


@router.post(
    "/on-demand/",
    response={201: JobOut, 200: JobOut},
    operation_id="create_on_demand_job",
    summary="Create a job on demand: the console sends its records one by one",
    description="For few records, or a test. It costs more than a batch job; ask for the quote first.",
)
def create_on_demand_job(
    request: HttpRequest, connection: ConnectionName, payload: OnDemandIn, idempotency_key: IdempotencyKey = ""
) -> Answer[BatchJob]:
    here = find_connection(request, connection, Right.SUBMIT)
    job, is_new = creating.create_on_demand_once(
        here,
        caller_of(request),
        JobRequest.from_fields(payload.model_dump()),
        key=idempotency_key,
        record_limit=payload.records,
        resend_of=source_of_resend(here, payload.resend_of_id),
    )
    return Answer(201 if is_new else 200, job)


@router.get(
    "/jobs/{job_id}/on-demand",
    response=QuoteOut,
    operation_id="quote_rest",
    summary="What the records that a batch job leaves unanswered cost at most on demand",
)
def quote_rest(request: HttpRequest, connection: ConnectionName, job_id: Key) -> costs.Quote:
    job = own_job(request, connection, job_id)
    creating.require_taking_over(job)
    return costs.quote_of_rest(job)


@router.post(
    "/jobs/{job_id}/on-demand",
    response={201: JobOut},
    operation_id="take_over_job",
    summary="Stop a batch job and send its other records on demand",
    description="A repeated call gives the job that was created first.",
)
def take_over_job(request: HttpRequest, connection: ConnectionName, job_id: Key) -> Answer[BatchJob]:
    return Answer(201, creating.take_over(own_job(request, connection, job_id), caller_of(request)))
