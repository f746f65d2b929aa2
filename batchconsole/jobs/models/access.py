"""Permissions: rights, the roles that bundle them, and the grants that give a role to a user or a group."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models

from batchconsole.jobs.models.connection import Connection


class Right(models.TextChoices):
    """What a user may do on one connection. Each right is granted separately: none implies another."""

    VIEW = "view", "See jobs, progress, usage and models"
    READ = "read", "Read records, answers and objects in S3, and download them"
    SUBMIT = "submit", "Check, make and upload input, create jobs, and act on own jobs"
    OPERATE = "operate", "Act on anyone's jobs, in bulk, and on the queue"
    INVOKE = "invoke", "Call models directly, past the queue, through the gateway"
    ROLES = "roles", "Make service roles"
    ADMINISTER = "administer", "Change the connection, its people, limits and prices"


# The roles of every installation. Administrators can add others.
SHIPPED_ROLES: dict[str, tuple[Right, ...]] = {
    "Viewer": (Right.VIEW,),
    "Reader": (Right.VIEW, Right.READ),
    "Submitter": (Right.VIEW, Right.READ, Right.SUBMIT),
    "Operator": (Right.VIEW, Right.READ, Right.SUBMIT, Right.OPERATE, Right.INVOKE, Right.ROLES),
    "Administrator": tuple(Right),
}


def check_rights(rights: list[str]) -> None:
    """Raise ValidationError unless *rights* is a list of known rights."""
    unknown = [each for each in rights if each not in Right.values] if isinstance(rights, list) else [str(rights)]
    if unknown:
        raise ValidationError(f"{', '.join(map(str, unknown))}: choose among {', '.join(Right.values)}.")


class Role(models.Model):
    """A named bundle of rights."""

    name = models.CharField(max_length=80, unique=True)
    rights = models.JSONField(default=list, validators=[check_rights], help_text='["view", "read"]')
    model_ids = models.JSONField(
        default=list,
        blank=True,
        help_text="Model ids that jobs may use, without ARN and geography; * stands for anything. Empty: any.",
    )
    is_shipped = models.BooleanField(default=False, editable=False, help_text="It comes with the console.")

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.name


class Grant(models.Model):
    """A role for a user or a group, on one connection or on all connections, including future ones."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="grants"
    )
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.CASCADE, related_name="grants")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="grants")
    connection = models.ForeignKey(
        Connection,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="grants",
        help_text="Empty: all connections, those made later included.",
    )

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=False) ^ models.Q(group__isnull=False),
                name="grant_person_or_group",
                violation_error_message="Choose either a user or a group.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user or self.group}: {self.role} on {self.connection or 'all connections'}"
