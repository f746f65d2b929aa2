"""Prompt templates kept by name, in numbered versions that never change."""

from typing import ClassVar

import msgspec
from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from batchconsole.jobs.models.connection import Connection
from batchconsole.records.bodies import SHAPES
from batchconsole.records.making import Recipe
from batchconsole.records.schema_fields import SchemaField

NAME_CHARACTERS = 80


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a version keeps. ``fields`` holds the fields of the answer if the recipe's schema was built from them."""

    recipe: Recipe
    fields: tuple[SchemaField, ...] = ()

    @property
    def shape_title(self) -> str:
        """The title of the record format."""
        return SHAPES[self.recipe.shape].title

    @property
    def as_json(self) -> str:
        return msgspec.json.encode(self).decode()


class PromptTemplate(models.Model):
    """A recipe for batch input that the people of one connection share. Its versions hold the recipe itself."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="prompt_templates")
    name = models.CharField(max_length=NAME_CHARACTERS)
    archived_at = models.DateTimeField(null=True, help_text="Since when it is no longer offered.")

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["connection", "name"], name="prompt_template_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("input-template", args=[self.connection.name, self.pk])


class PromptTemplateVersion(models.Model):
    """One version of a prompt template: what it says, who saved it and when."""

    template = models.ForeignKey(PromptTemplate, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    content_json = models.TextField(help_text="The recipe and the fields of its answer.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["template", "number"], name="prompt_template_version_number")
        ]

    def __str__(self) -> str:
        return f"{self.template}, version {self.number}"

    @property
    def content(self) -> Content:
        return msgspec.json.decode(self.content_json, type=Content)
