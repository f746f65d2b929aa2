"""The limits of each model, and the model that a model id refers to."""

from typing import Any, ClassVar

from django.db import models

from batchconsole.jobs.models.connection import Connection
from batchconsole.records.catalogue import bare_id


def base_model_id(model_id: str) -> str:
    """Return the model whose quota *model_id* uses. A custom model's quota is separate from its base model's."""
    kind = "custom-model/" if ":custom-model/" in model_id else ""
    return kind + bare_id(model_id)


class ModelLimit(models.Model):
    """The limits of a model where they differ from the shipped defaults, from an administrator or Service Quotas."""

    class Source(models.TextChoices):
        OVERRIDE = "override", "Set by an administrator"
        SERVICE_QUOTAS = "service_quotas", "Read from Service Quotas"

    connection = models.ForeignKey(
        Connection, null=True, blank=True, on_delete=models.CASCADE, related_name="limits", help_text="Empty: all."
    )
    model_id = models.CharField(max_length=2048, blank=True, help_text="Without ARN and geography. Empty: all models.")
    source = models.CharField(max_length=14, choices=Source, default=Source.OVERRIDE, editable=False)
    jobs_at_once = models.PositiveIntegerField(null=True, blank=True, help_text="Submitted and in progress.")
    min_records_per_job = models.PositiveIntegerField(null=True, blank=True)
    records_per_job = models.PositiveIntegerField(null=True, blank=True)
    records_per_file = models.PositiveIntegerField(null=True, blank=True)
    bytes_per_file = models.PositiveBigIntegerField(null=True, blank=True)
    bytes_per_job = models.PositiveBigIntegerField(null=True, blank=True)
    modified_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "limit"
        ordering: ClassVar = ["connection", "model_id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "model_id", "source"], name="model_limit_unique"),
            models.UniqueConstraint(
                fields=["model_id", "source"], condition=models.Q(connection=None), name="model_limit_unique_for_all"
            ),
        ]

    def __str__(self) -> str:
        return self.model_id or "all models"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.model_id = base_model_id(self.model_id)
        super().save(*args, **kwargs)
