"""Input that a worker makes: its source, the settings, the destination, and the progress."""

from typing import Any, ClassVar

import msgspec
from django.db import models
from django.urls import reverse

from batchconsole.jobs.models.connection import Connection
from batchconsole.jobs.models.job import BatchJob
from batchconsole.jobs.models.work import WithMedia, Work
from batchconsole.records.bodies import SHAPES
from batchconsole.records.making import Recipe


class MadeInput(WithMedia, Work):
    """Batch records made from a source too large to read within a page request.

    Each object in S3 is written completely or not at all.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="made_inputs")
    source_name = models.CharField(max_length=1024)
    source_size = models.PositiveBigIntegerField(help_text="Bytes.")
    upload = models.CharField(max_length=32, blank=True, help_text="The token of an uploaded file.")
    source_s3_uri = models.CharField(max_length=1024, blank=True, help_text="The object, when it is not an upload.")
    source_etag = models.CharField(max_length=100, blank=True)
    kind = models.CharField(max_length=7, blank=True)
    separator = models.CharField(max_length=1, blank=True, help_text="Of CSV, where a person has chosen it.")
    encoding = models.CharField(max_length=16, blank=True, help_text="Likewise.")
    is_foreign = models.BooleanField(default=False, help_text="Lines of another provider's batch, to be converted.")
    recipe_json = models.TextField(blank=True, help_text="The prompt template and the settings.")
    made_with = models.CharField(
        max_length=200, blank=True, help_text="The prompt template and its version, where it was made with one."
    )
    model_id = models.CharField(max_length=2048, blank=True, help_text="The model that it was made for, if chosen.")
    resend_of = models.ForeignKey(
        BatchJob,
        null=True,
        on_delete=models.CASCADE,
        related_name="made_inputs",
        help_text="The job whose records are sent again; then there is no other source.",
    )
    merges = models.ManyToManyField(
        BatchJob, related_name="+", help_text="Other jobs whose records are sent along, each in a file of its own."
    )
    resends_failed = models.BooleanField(default=False)
    resends_unanswered = models.BooleanField(default=False)
    resends_at_least = models.PositiveIntegerField(default=0, help_text="Answered ones fill up to so many records.")
    merged_files = models.JSONField(
        default=dict, help_text="The files of records that are merged; then there is no other source."
    )
    output_s3_uri = models.CharField(max_length=1024)
    request_token = models.CharField(
        max_length=32, blank=True, help_text="The form it was asked for by; sent twice, it makes one."
    )

    bytes_read = models.PositiveBigIntegerField(default=0)
    records = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["connection", "created_by", "request_token"],
                name="made_input_request_token",
                condition=~models.Q(request_token=""),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="made_input_due", condition=models.Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.output_s3_uri

    def get_absolute_url(self) -> str:
        return reverse("input-made", args=[self.connection.name, self.pk])

    @property
    def recipe(self) -> Recipe:
        return msgspec.json.decode(self.recipe_json, type=Recipe)

    @property
    def model_invocation_type(self) -> str:
        """The invocation type that a job with these records needs."""
        if self.resend_of:
            return str(self.resend_of.model_invocation_type)
        if self.merged_files:
            return "Converse" if "converse" in self.merged_files["formats"] else "InvokeModel"
        return SHAPES[self.recipe.shape].invocation_type

    @property
    def job_folder(self) -> str:
        """The S3 URI of the folder that holds the object."""
        return f"{str(self.output_s3_uri).rpartition('/')[0]}/"

    @property
    def input_s3_uri(self) -> str:
        """The input location of a job with these records: the folder, if they refer to media there, or the object."""
        return self.job_folder if self.merged_files.get("has_media") else str(self.output_s3_uri)

    @property
    def form_fields(self) -> dict[str, Any]:
        """The fields that prefill the create form, for its query string."""
        resent = {"clone": self.resend_of_id, "resend_of": self.resend_of_id} if self.resend_of_id else {}
        chosen = {"model_id": self.model_id} if self.model_id else {}
        return resent | {
            "input_s3_uri": self.input_s3_uri,
            "model_invocation_type": self.model_invocation_type,
            **chosen,
        }

    @property
    def is_folder(self) -> bool:
        """Whether it consists of several objects in a folder."""
        return str(self.output_s3_uri).endswith("/")

    @property
    def percent(self) -> int:
        """The percentage of the source read, rounded down; at most 99, since parts of Parquet may be read twice."""
        return min(99, self.bytes_read * 100 // self.source_size) if self.source_size else 0
