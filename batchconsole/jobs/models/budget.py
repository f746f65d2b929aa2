"""Monthly budgets, and what happens when one is exceeded."""

from decimal import Decimal
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.validators import MinValueValidator
from django.db import models

from batchconsole.jobs.models.connection import Connection

CENT = Decimal("0.01")


class Budget(models.Model):
    """USD per calendar month (UTC), for one connection or all; optionally for one user, group or tag value only."""

    class Above(models.TextChoices):
        """What happens to a job that would exceed the budget."""

        REFUSE = "refuse", "Refuse new jobs"
        HOLD = "hold", "Hold new jobs until an operator approves them"
        WARN = "warn", "Warn only"

    connection = models.ForeignKey(
        Connection, null=True, blank=True, on_delete=models.CASCADE, related_name="budgets", help_text="Empty: all."
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="budgets",
        help_text="Only the jobs that this person has created.",
    )
    group = models.ForeignKey(
        Group,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="budgets",
        help_text="Only the jobs that the people of this group have created.",
    )
    tag_key = models.CharField(max_length=128, blank=True, help_text="Only jobs with this tag.")
    tag_value = models.CharField(max_length=256, blank=True, help_text="And this value of it.")
    usd_per_month = models.DecimalField(
        "USD per month", max_digits=14, decimal_places=2, validators=[MinValueValidator(CENT)]
    )
    above = models.CharField("above it", max_length=6, choices=Above, default=Above.REFUSE)

    class Meta:
        ordering: ClassVar = ["connection", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(user__isnull=False, group__isnull=False)
                & (models.Q(tag_key="") | models.Q(user__isnull=True, group__isnull=True)),
                name="budget_of_one_kind",
                violation_error_message="Choose a user, a group or a tag, or none of them.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.of_what} on {self.connection or 'all connections'}"

    @property
    def of_what(self) -> str:
        """A short description of the jobs that count."""
        if self.tag_key:
            return f"tag {self.tag_key}={self.tag_value}"
        if self.user:
            return f"jobs of {self.user}"
        return f"jobs of the group {self.group}" if self.group else "all jobs"
