"""Budgets: the money spent in a month or committed to jobs in flight; jobs that exceed a budget are refused or held.

An ended job counts with its cost, in the UTC month in which it ended. A job in flight, or one whose output is not read
yet, counts with the highest cost that its input check estimates, else with the estimate that it was created with.
Without either, its cost is unknown and it is counted separately. A job that waits for approval counts once it is
approved.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs.costs.prices import MOST_USD, on_demand_at_most
from batchconsole.jobs.errors import NotAllowed
from batchconsole.jobs.models import LIVE, WAITING, Actor, BatchJob, Budget, Connection, InputCheck, Right, utc_today
from batchconsole.jobs.rights.access import rights_on, who_grants
from batchconsole.jobs.states import IN_QUEUE

LEVELS = (50, 80, 100)  # percentages at which a budget warns
ZERO = Decimal(0)
AT_MOST = Coalesce("input_check__usd_at_most", "estimate_usd")
UNAPPROVED = Q(awaits_approval=True, held_at__isnull=False, status__in=IN_QUEUE)
# Jobs that AWS ran: their output is not read yet or cannot be, or the price of their tokens is unknown.
UNCOSTED = Q(cost_usd=None) & (
    Q(results__in=[BatchJob.Results.PENDING, BatchJob.Results.FAILED])
    | Q(results=BatchJob.Results.READY, input_token_count__isnull=False)
)


@dataclass(frozen=True)
class Judgement:
    """What a job was judged by: ``usd_at_most``, its highest cost if known; ``above``, why it is held, else empty."""

    usd_at_most: Decimal | None = None
    above: str = ""


@dataclass(frozen=True)
class Spending:
    """How much of one budget is used this month. ``unknown`` is the number of jobs without a cost and an estimate."""

    budget: Budget
    ended_usd: Decimal
    in_flight_usd: Decimal
    unknown: int

    @property
    def used_usd(self) -> Decimal:
        return self.ended_usd + self.in_flight_usd

    @property
    def left_usd(self) -> Decimal:
        """The amount left, never below zero."""
        return max(self.budget.usd_per_month - self.used_usd, ZERO)

    @property
    def percent(self) -> int:
        """The percentage used, rounded down; above 100 if the budget is exceeded."""
        return int(self.used_usd * 100 / self.budget.usd_per_month)

    @property
    def level(self) -> int:
        """The highest of :data:`LEVELS` that is reached; 0 below the first."""
        return max((level for level in LEVELS if self.percent >= level), default=0)

    @property
    def is_refusing(self) -> bool:
        """Whether every new job is refused, whatever it costs."""
        return self.budget.above == Budget.Above.REFUSE and self.percent >= LEVELS[-1]

    @property
    def is_holding(self) -> bool:
        """Whether every new job waits for approval, whatever it costs."""
        return self.budget.above == Budget.Above.HOLD and self.percent >= LEVELS[-1]

    def is_above(self, wanted: Decimal | None) -> bool:
        """Whether a job of *wanted* USD, if known, exceeds the budget; always true once the budget is used up."""
        return self.percent >= LEVELS[-1] or (wanted or ZERO) > self.left_usd


def spendings(connection: Connection, user: User, tags: Iterable[dict[str, str]] | None = None) -> list[Spending]:
    """Return each budget that a job of *user* on *connection* counts toward; without *tags*, also those of any tag."""
    return [spending(budget) for budget in budgets_for(connection, user, tags)]


def budgets_of(connection: Connection) -> QuerySet[Budget]:
    """Return the budgets that jobs of *connection* count toward, for any user."""
    rows: QuerySet[Budget] = Budget.objects.filter(_on(connection))
    return rows.select_related("connection", "user", "group")


def budgets_for(connection: Connection, user: Actor, tags: Iterable[dict[str, str]] | None) -> list[Budget]:
    """Return the budgets that a job counts toward.

    Where there are no budgets, this is one small query, because each new job and each view of the create form asks.
    """
    persons = Q(user=None) | Q(user=user) if user else Q(user=None)
    if not Budget.objects.filter(persons, _on(connection)).exists():
        return []
    groups = user.groups.values("pk") if user else Group.objects.none().values("pk")
    mine = budgets_of(connection).filter(persons, Q(group=None) | Q(group__in=groups))
    pairs = None if tags is None else {(tag["key"], tag.get("value", "")) for tag in tags}
    return [each for each in mine if not each.tag_key or pairs is None or (each.tag_key, each.tag_value) in pairs]


def _on(connection: Connection) -> Q:
    return Q(connection=connection) | Q(connection=None)


def spending(budget: Budget, *, without: BatchJob | None = None) -> Spending:
    """Return how much of *budget* is used this month, by every job or by those besides *without*."""
    jobs = _counted(budget).exclude(pk=without.pk) if without else _counted(budget)
    ended = jobs.filter(end_time__gte=first_of_month(utc_today()))
    known, _ = _sums(budget, ended, F("cost_usd"))
    unread, unread_unknown = _sums(budget, ended.filter(UNCOSTED), AT_MOST)
    in_flight, unknown = _sums(budget, jobs.filter(status__in=WAITING | LIVE).exclude(UNAPPROVED), AT_MOST)
    return Spending(
        budget=budget,
        ended_usd=known + unread,
        in_flight_usd=in_flight,
        unknown=unread_unknown + unknown,
    )


def first_of_month(day: date) -> datetime:
    """Return the moment at which the month of *day* began, in UTC."""
    return datetime(day.year, day.month, 1, tzinfo=UTC)


def _counted(budget: Budget) -> QuerySet[BatchJob]:
    """Return the jobs of *budget* of any time and tag; lists connections, because the indexes start with them."""
    every = Connection.objects.filter(pk=budget.connection_id) if budget.connection_id else Connection.objects.all()
    rules: dict[str, Any] = {"created_by": budget.user_id, "created_by__groups": budget.group_id}
    jobs: QuerySet[BatchJob] = BatchJob.objects.filter(connection__in=list(every.values_list("pk", flat=True)))
    return jobs.filter(**{name: key for name, key in rules.items() if key}).order_by()


def _sums(budget: Budget, jobs: QuerySet[BatchJob], usd: F | Coalesce) -> tuple[Decimal, int]:
    """Return the sum of *usd* over *jobs* and the number of jobs without a value; tags are compared in Python."""
    figures: dict[str, Any] = {"usd": Sum(usd), "unknown": Count("pk") - Count(usd)}
    rows: list[Any] = [jobs.aggregate(**figures)]
    if budget.tag_key:
        tagged: Any = jobs.exclude(tags=[]).values("tags")
        rows = list(tagged.annotate(**figures))
    pair = (budget.tag_key, budget.tag_value)
    counted = [row for row in rows if not budget.tag_key or pair in _pairs(row["tags"])]
    return sum((row["usd"] or ZERO for row in counted), ZERO), sum(row["unknown"] for row in counted)


def _pairs(tags: Any) -> set[tuple[str, str]]:
    return {(tag.get("key", ""), tag.get("value", "")) for tag in tags or []}


def estimate(connection: Connection, request: JobRequest, lane: str = BatchJob.Lane.BATCH) -> Decimal | None:
    """Return the highest cost in USD of a job of *request*, by the newest check of its input; ``None`` without one.

    Checks tell the cost of a batch job; in the lane ``on_demand`` the same records cost more.
    """
    checks = InputCheck.objects.filter(
        connection=connection,
        input_s3_uri=request.input_s3_uri,
        model_id=request.model_id,
        model_invocation_type=request.model_invocation_type,
        state=InputCheck.State.DONE,
    )
    newest: InputCheck | None = checks.order_by("-finished_at").first()
    if newest is None or newest.usd_at_most is None:
        return None
    if lane == BatchJob.Lane.ON_DEMAND:
        return on_demand_at_most(newest.usd_at_most, request.model_id, connection.region)
    return min(newest.usd_at_most, MOST_USD)


def require_budget(
    connection: Connection,
    actor: Actor,
    request: JobRequest,
    *,
    checked: BatchJob | None = None,
    usd_at_most: Decimal | None = None,
    lane: str = BatchJob.Lane.BATCH,
) -> Judgement:
    """Raise NotAllowed if a job of *request* would exceed a budget that refuses.

    *checked* is the job itself if its own check is done: the cost by that check counts, and not its earlier estimate.
    *usd_at_most* is the highest cost in the *lane* if the caller knows it better than the checks of the input.

    The judgement says why the job must be held, if a budget asks for that. The caller holds the lock on the connection,
    so that two concurrent jobs do not both take what is left, and keeps the judged cost in the row of the job.
    """
    tags = [{"key": tag["key"], "value": tag.get("value", "")} for tag in request.tags]
    budgets = budgets_for(connection, actor, tags)
    if not budgets:
        return Judgement(usd_at_most)
    own = checked.input_check.usd_at_most if checked and checked.input_check else usd_at_most
    wanted = estimate(connection, request, lane) if own is None else own
    return _judge(budgets, wanted, done="queued" if checked else "created", without=checked)


def require_retagging(job: BatchJob, actor: Actor, tags: Iterable[dict[str, Any]]) -> Judgement:
    """Raise NotAllowed if the budgets of the tags that *tags* take from *job* or add to it forbid the change.

    A job leaves a budget that refuses or holds jobs only with the right ``operate``. By a budget that it enters, it is
    judged like a new job. If a new job would be held, but this one was sent already, that takes ``operate`` too. A job
    that counts toward no budget may change freely. The caller holds the lock on the connection, and keeps the judged
    cost in the row of the job.
    """
    before, after = _pairs(job.tags), _pairs(tags)
    moved = [each for each in budgets_of(job.connection) if (each.tag_key, each.tag_value) in before ^ after]
    if not moved or not BatchJob.objects.filter(_counts_now(), pk=job.pk).exists():
        return Judgement(job.estimate_usd)
    entered = [each for each in moved if (each.tag_key, each.tag_value) in after]
    for left in moved:
        if left not in entered and left.above != Budget.Above.WARN:
            _require_operate(actor, job, f"This job counts toward the budget for {left}, and would leave it.")
    judgement = _judge(entered, _cost_of(job), done="moved", without=job)
    if judgement.above and job.status not in IN_QUEUE:
        _require_operate(actor, job, judgement.above)
        return Judgement(judgement.usd_at_most)
    return judgement


def _counts_now() -> Q:
    """Whether a job is in flight, or has ended this month and its cost counts or is to count."""
    this_month = Q(end_time__gte=first_of_month(utc_today()))
    return Q(status__in=WAITING | LIVE) | this_month & (Q(cost_usd__isnull=False) | UNCOSTED)


def _cost_of(job: BatchJob) -> Decimal | None:
    """Return the cost of *job*, or the highest that is known so far; ``None`` if nothing is."""
    at_most = job.input_check.usd_at_most if job.input_check else None
    known = [cost for cost in (job.cost_usd, at_most, job.estimate_usd) if cost is not None]
    return known[0] if known else estimate(job.connection, job.request, job.lane)


def _require_operate(actor: Actor, job: BatchJob, why: str) -> None:
    if actor is not None and Right.OPERATE not in rights_on(actor, job.connection):
        instead = " Or cancel the job, and clone it with other tags." if job.waits_here else ""
        message = f"{why} Changing its tags takes the right “{Right.OPERATE}” on {job.connection}."
        raise NotAllowed(message, f"{who_grants(job.connection)}{instead}", field="tags")


def _judge(budgets: list[Budget], wanted: Decimal | None, *, done: str, without: BatchJob | None) -> Judgement:
    """Judge a job that costs *wanted*, which is not to count already; *done* is what is refused, such as "created"."""
    strict = [each for each in budgets if each.above != Budget.Above.WARN]
    _hold(strict)
    uses = [spending(each, without=without) for each in strict]
    reasons = {used.budget.above: _above(used, wanted) for used in uses if used.is_above(wanted)}
    if Budget.Above.REFUSE in reasons:
        message = f"{reasons[Budget.Above.REFUSE]} No job is {done} above it."
        raise NotAllowed(message, "Ask an administrator to raise the budget, or wait for next month.")
    return Judgement(wanted, reasons.get(Budget.Above.HOLD, ""))


def _hold(budgets: list[Budget]) -> None:
    """Lock the rows in the order of their keys: a budget for all connections is used from each of them."""
    held = Budget.objects.filter(pk__in=[budget.pk for budget in budgets]).order_by("pk").select_for_update()
    list(held.values_list("pk"))


def _above(used: Spending, wanted: Decimal | None) -> str:
    amount = used.budget.usd_per_month
    spent = f"{used.used_usd:,.2f} of {amount:,.2f} USD of this month's budget for {used.budget} are used"
    return f"{spent}, and this job costs up to {wanted:,.2f} USD." if wanted else f"{spent}."
