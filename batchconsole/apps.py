"""The root application. It loads Celery once Django is ready, so importing a pure module loads neither of them."""

from importlib import import_module

from django.apps import AppConfig


class BatchConsoleConfig(AppConfig):
    name = "batchconsole"
    verbose_name = "Batch Console"

    def ready(self) -> None:
        import_module("batchconsole.celery")
        import_module("batchconsole.checks")
