"""The root application: it loads Celery once Django is ready, so that importing a pure part loads neither."""

from django.apps import AppConfig


class BatchConsoleConfig(AppConfig):
    name = "batchconsole"
    verbose_name = "Batch Console"

    def ready(self) -> None:
        import batchconsole.celery  # noqa: F401, PLC0415 - importing it is the purpose, and only once apps are ready
