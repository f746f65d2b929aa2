"""How people want the pages."""

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models, transaction


class KeptPreferences(models.Model):
    """One person's wishes by name, to be found again in another browser. What they mean is the console's affair."""

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
        """Write one wish of *user* down."""
        cls.objects.get_or_create(user=user)
        with transaction.atomic():  # the row is held, so that two requests at once lose neither's wish
            kept = cls.objects.select_for_update().get(user=user)
            kept.values = {**kept.values, name: value}
            kept.save(update_fields=["values"])
