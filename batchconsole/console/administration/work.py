"""The work page: waiting, running and failed background work, with buttons to retry or cancel it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from batchconsole.aws.errors import AwsError
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.errors import sentences
from batchconsole.jobs import retrying
from batchconsole.jobs.bulk_actions import cancel_rest
from batchconsole.jobs.ending import UNREAD
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.inputs.input_checks import cancel_check
from batchconsole.jobs.inputs.making import cancel_making
from batchconsole.jobs.inputs.splitting import cancel_split, retry_split
from batchconsole.jobs.models import BatchJob, BulkAction, Connection, Delivery, InputCheck, InputSplit, MadeInput
from batchconsole.jobs.notifications.channels import send_again
from batchconsole.jobs.rights.access import administrable

MOST = 50  # rows of each kind, newest first
WAITING, RUNNING, FAILED = "waiting", "running", "failed"
STATES = {
    InputCheck.State.QUEUED: WAITING,
    InputCheck.State.RUNNING: RUNNING,
    InputCheck.State.FAILED: FAILED,
    BatchJob.Results.PENDING: WAITING,
    BatchJob.Results.FAILED: FAILED,
}
# The verbs of work that goes on where it stopped, by its state.
ACTS = {WAITING: ("retry", "cancel"), RUNNING: ("cancel",), FAILED: ("retry",)}
INDICATORS = {WAITING: "pending", RUNNING: "in-progress", FAILED: "error"}


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A piece of work as the page shows it; ``acts`` are the verbs of its buttons."""

    kind: str
    pk: int
    title: str
    url: str
    connection: Connection
    person: Any = None
    state: str
    since: datetime | None = None
    due_at: datetime | None = None
    error: Any = None
    acts: tuple[str, ...] = ()

    @property
    def indicator(self) -> str:
        return INDICATORS[self.state]

    @property
    def trouble(self) -> str:
        return sentences(self.error) if self.error else ""


def _piece(kind: str, row: Any, **changes: Any) -> Piece:
    """Build a Piece from a row with the usual fields of work; *changes* override its values."""
    values = {
        "title": str(row),
        "url": row.get_absolute_url(),
        "connection": row.connection,
        "person": row.created_by,
        "since": row.created_at,
        "due_at": row.due_at,
    }
    return Piece(kind=kind, pk=row.pk, **values | changes)


def checks(connections: QuerySet[Connection]) -> Iterator[Piece]:
    for check in _newest(InputCheck, connections, state__in=(*_unfinished(), InputCheck.State.FAILED)):
        acts = ("retry",) if check.state == InputCheck.State.FAILED else ("retry", "cancel")
        state = STATES[InputCheck.State(check.state)]
        yield _piece("check", check, state=state, error=check.error, acts=acts)


def makings(connections: QuerySet[Connection]) -> Iterator[Piece]:
    for made in _newest(MadeInput, connections, state__in=(*_unfinished(), MadeInput.State.FAILED)):
        state = STATES[MadeInput.State(made.state)]
        acts = ACTS[state]
        title = made.output_s3_uri or made.source_name
        yield _piece("making", made, title=title, state=state, error=made.error, acts=acts)


def splits(connections: QuerySet[Connection]) -> Iterator[Piece]:
    for split in _newest(InputSplit, connections, state__in=(*_unfinished(), InputSplit.State.FAILED)):
        state = STATES[InputSplit.State(split.state)]
        yield _piece("split", split, state=state, error=split.error, acts=ACTS[state])


def results(connections: QuerySet[Connection]) -> Iterator[Piece]:
    for job in _newest(BatchJob, connections, UNREAD):
        state = RUNNING if job.lease else STATES[BatchJob.Results(job.results)]
        acts = ("retry",) if state != RUNNING else ()
        yield _piece("results", job, state=state, since=job.end_time, error=job.results_error, acts=acts)


def bulk_actions(connections: QuerySet[Connection]) -> Iterator[Piece]:
    for action in _newest(BulkAction, connections, finished_at=None):
        state = RUNNING if action.lease else WAITING
        acts = () if action.cancelled_at else ("cancel",)
        yield _piece("bulk", action, state=state, acts=acts)


def syncs(connections: QuerySet[Connection]) -> Iterator[Piece]:
    for each in connections.filter(is_enabled=True):
        state = RUNNING if each.sync_lease else FAILED if each.sync_error else WAITING
        yield Piece(
            kind="sync",
            pk=each.pk,
            title=f"Jobs of {each}",
            url=each.get_absolute_url(),
            connection=each,
            state=state,
            since=each.synced_at,
            due_at=each.sync_due_at,
            error=each.sync_error,
            acts=() if each.sync_lease else ("retry",),
        )


def deliveries(connections: QuerySet[Connection]) -> Iterator[Piece]:
    """Yield the open deliveries to channels of connections, not to users' own channels."""
    rows = Delivery.objects.filter(channel__connection__in=connections, state__in=SENDING)
    for each in rows.select_related("notice", "channel__connection").order_by("-pk")[:MOST]:
        is_failed = each.state == Delivery.State.FAILED
        yield Piece(
            kind="notice",
            pk=each.pk,
            title=str(each),
            url=reverse("admin:jobs_delivery_change", args=[each.pk]),
            connection=each.channel.connection,
            state=FAILED if is_failed else RUNNING if each.lease else WAITING,
            since=each.created_at,
            due_at=each.due_at,
            error={"message": each.message} if each.message else None,
            acts=("retry",) if is_failed else (),
        )


SENDING = (Delivery.State.WAITING, Delivery.State.FAILED)


def _unfinished() -> tuple[str, ...]:
    return InputCheck.State.QUEUED, InputCheck.State.RUNNING


def _newest(model: Any, connections: QuerySet[Connection], *conditions: Q, **rules: Any) -> Iterable[Any]:
    rows = model.objects.filter(*conditions, connection__in=connections, **rules).select_related(
        "connection", "created_by"
    )
    newest: Iterable[Any] = rows.order_by("-pk")[:MOST]
    return newest


# The title and the rows of each kind, in the order of the page.
KINDS: dict[str, tuple[str, Callable[[QuerySet[Connection]], Iterable[Piece]]]] = {
    "check": ("Input checks", checks),
    "making": ("Making input", makings),
    "split": ("Splitting input", splits),
    "results": ("Reading results", results),
    "bulk": ("Bulk actions", bulk_actions),
    "notice": ("Notifications", deliveries),
    "sync": ("Sync", syncs),
}
VERBS: dict[tuple[str, str], tuple[type[Any], Callable[[Any, Any], object]]] = {
    ("check", "retry"): (InputCheck, retrying.retry_check),
    ("check", "cancel"): (InputCheck, cancel_check),
    ("making", "retry"): (MadeInput, retrying.retry_making),
    ("making", "cancel"): (MadeInput, cancel_making),
    ("split", "retry"): (InputSplit, retry_split),
    ("split", "cancel"): (InputSplit, cancel_split),
    ("results", "retry"): (BatchJob, retrying.retry_results),
    ("bulk", "cancel"): (BulkAction, cancel_rest),
    ("notice", "retry"): (Delivery, send_again),
    ("sync", "retry"): (Connection, retrying.sync_now),
}


# The lookup from a row to its connection, where it is not "connection".
PATHS: dict[type[Any], str] = {Connection: "pk", Delivery: "channel__connection"}


def index(request: ConsoleRequest) -> HttpResponse:
    """Show the work of all connections that the user may administer."""
    mine = administrable(request.user)
    groups = [(kind, title, list(rows(mine))) for kind, (title, rows) in KINDS.items()]
    context = admin.site.each_context(request) | {"groups": groups, "title": "Work", "most": MOST}
    return render(request, "admin/work.html", context)


def act(request: ConsoleRequest, kind: str, pk: int, verb: str) -> HttpResponse:
    """Retry or cancel a piece of work; the verb's function checks the user's rights."""
    if (kind, verb) not in VERBS:
        raise Http404("There is no such action.")
    model, do = VERBS[kind, verb]
    mine = administrable(request.user)
    where = {f"{PATHS.get(model, 'connection')}__in": mine}
    row = get_object_or_404(model.objects.filter(**where), pk=pk)
    if request.method == "POST":
        _act(request, row, do)
    return redirect(reverse("admin:work"))


def _act(request: HttpRequest, row: Any, do: Callable[[Any, Any], object]) -> None:
    try:
        do(row, request.user)
    except (AwsError, UserError) as error:
        messages.error(request, f"{row}: {sentences(error)}")
    else:
        messages.success(request, f"{row}: done.")
