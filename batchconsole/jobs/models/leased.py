"""Rows with a next step: when it is due, and which worker holds it. ``jobs/leases.py`` reads and writes the columns."""

from django.db import models
from django.utils import timezone


class Leased(models.Model):
    """The columns of a lease."""

    due_at = models.DateTimeField(
        default=timezone.now,
        null=True,
        help_text="When the next step is due; while a worker holds the row, when another one may take it.",
    )
    lease = models.CharField(
        max_length=16, blank=True, editable=False, help_text="The token of the worker that holds the row."
    )
    losses = models.PositiveIntegerField(
        default=0, editable=False, help_text="How many workers in a row ended while they held it."
    )

    class Meta:
        abstract = True
