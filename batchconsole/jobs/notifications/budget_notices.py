"""Notices that a budget has reached a level: once per level and month."""

from django.db import transaction

from batchconsole.jobs.costs.spending import Spending, budgets_of, first_of_month, spending
from batchconsole.jobs.models import Budget, Connection, Notice, NotificationChannel, utc_today
from batchconsole.jobs.occasions import BUDGET


def tell_budgets(connection: Connection) -> None:
    """Write a notice for each budget that has reached a level without a notice in this month."""
    channels = NotificationChannel.objects.filter(connection=connection)
    if not any(BUDGET.code in each.occasions for each in channels):
        return
    for budget in budgets_of(connection):
        used = spending(budget)
        if used.level:
            _tell_once(connection, budget, used)


def _tell_once(connection: Connection, budget: Budget, used: Spending) -> None:
    month = first_of_month(utc_today())
    data = {
        "budget_id": budget.pk,
        "month": f"{month:%Y-%m}",
        "level": used.level,
        "percent": used.percent,
        "used_usd": f"{used.used_usd:.2f}",
        "usd_per_month": f"{budget.usd_per_month:.2f}",
    }
    with transaction.atomic():
        Connection.objects.lock(connection.pk)
        told = Notice.objects.filter(connection=connection, occasion=BUDGET.code, created_at__gte=month)
        levels = [each["level"] for each in told.values_list("data", flat=True) if each["budget_id"] == budget.pk]
        if used.level > max(levels, default=0):
            Notice.write(BUDGET.code, connection_id=connection.pk, data=data)
