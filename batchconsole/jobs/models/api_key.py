"""API keys, with which programs act for a user."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property

from batchconsole.jobs.models.access import check_rights
from batchconsole.jobs.models.connection import Connection


class ApiKey(models.Model):
    """A program's key: it allows what both its owner and its own rights allow, on its connections, until it expires.

    The secret is shown once; only its hash is stored. The secret for AWS request signing is derived from the server's
    secret key and ``key_id`` and is never stored.
    """

    key_id = models.CharField(max_length=20, unique=True, editable=False, help_text="As AWS's access key ids look.")
    secret_hash = models.CharField(max_length=64, editable=False, help_text="SHA-256, in hexadecimal digits.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80, help_text="What it is for.")
    rights = models.JSONField(default=list, validators=[check_rights], help_text='["view", "submit"]')
    connections = models.ManyToManyField(
        Connection, blank=True, related_name="api_keys", help_text="Empty: all that the owner may use."
    )
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.key_id})"

    @cached_property
    def connection_ids(self) -> frozenset[int]:
        """The ids of the connections it is limited to, read once per instance; empty: all that the owner may use."""
        links = type(self).connections.through.objects.filter(apikey_id=self.pk)
        return frozenset(links.values_list("connection_id", flat=True))

    @property
    def is_usable(self) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())
