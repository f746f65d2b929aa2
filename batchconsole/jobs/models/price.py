"""Prices that override the shipped table of batch prices, and those derived from it for jobs on demand."""

from datetime import UTC, date, datetime
from typing import Any, ClassVar

from django.core.validators import MinValueValidator
from django.db import models

from batchconsole.jobs.models.lane import Laned
from batchconsole.jobs.models.limit import base_model_id


def utc_today() -> date:
    """Return the current date in UTC, by which usage is counted."""
    return datetime.now(UTC).date()


class ModelPrice(models.Model):
    """A price that overrides or completes the shipped table, from an administrator or AWS's Price List.

    It is that of batches or, if an administrator has set it, that of jobs on demand.
    """

    class Source(models.TextChoices):
        ADMIN = "admin", "Set by an administrator"
        PRICE_LIST = "price_list", "AWS Price List"

    class Profile(models.TextChoices):
        ANY = "", "However the model is invoked"
        GLOBAL = "global", "Through its global inference profile"
        OTHER = "other", "In the region, or through any other inference profile"

    model_id = models.CharField(max_length=2048, help_text="Without ARN and geography, as in anthropic.claude-opus-5.")
    region = models.CharField(max_length=32, blank=True, help_text="Empty: every region.")
    profile = models.CharField(max_length=6, choices=Profile, blank=True, default=Profile.ANY)
    lane = models.CharField(
        "type of jobs",
        max_length=9,
        choices=Laned.Lane,
        default=Laned.Lane.BATCH,
        help_text="Without a price of their own, jobs on demand cost twice the batch price.",
    )
    input_usd_per_million = models.DecimalField(
        "input price",
        max_digits=14,
        decimal_places=6,
        help_text="USD per million input tokens.",
        validators=[MinValueValidator(0)],
    )
    output_usd_per_million = models.DecimalField(
        "output price",
        max_digits=14,
        decimal_places=6,
        help_text="USD per million output tokens.",
        validators=[MinValueValidator(0)],
    )
    as_of = models.DateField(default=utc_today, help_text="The day on which the price held.")
    source = models.CharField(max_length=10, choices=Source, default=Source.ADMIN, editable=False)

    class Meta:
        verbose_name = "price"
        ordering: ClassVar = ["model_id", "region", "profile", "lane", "source"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["model_id", "region", "profile", "lane", "source"], name="model_price_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_id} in {self.region or 'every region'}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.model_id = base_model_id(self.model_id)
        super().save(*args, **kwargs)
