"""Users' display preferences."""

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models, transaction


class KeptPreferences(models.Model):
    """One user's preferences by name, to be found again in another browser. The console defines their meaning."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="kept_preferences"
    )
    values = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "kept preferences"

    def __str__(self) -> str:
        return f"Preferences of {self.user}"

    @classmethod
    def keep(cls, user: User, name: str, value: str) -> None:
        """Save one preference of *user*."""
        cls.objects.get_or_create(user=user)
        with transaction.atomic():  # locks the row, so that simultaneous requests do not overwrite each other's values
            kept = cls.objects.select_for_update().get(user=user)
            kept.values = {**kept.values, name: value}
            kept.save(update_fields=["values"])
