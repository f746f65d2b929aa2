"""The root application: it loads Celery once Django is ready, so that importing a pure part loads neither."""

from importlib import import_module

from django.apps import AppConfig


class BatchConsoleConfig(AppConfig):
    name = "batchconsole"
    verbose_name = "Batch Console"

    def ready(self) -> None:
        import_module("batchconsole.celery")
        import_module("batchconsole.checks")
