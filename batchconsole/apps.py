"""The root application. It loads Celery once Django is ready, so importing a pure module loads neither of them."""

import gc
from importlib import import_module

from django.apps import AppConfig
from django.conf import settings


class BatchConsoleConfig(AppConfig):
    name = "batchconsole"
    verbose_name = "Batch Console"

    def ready(self) -> None:
        import_module("batchconsole.celery")
        import_module("batchconsole.checks")
        import_module("batchconsole.telemetry").start()
        import_module("batchconsole.counts").COUNTS.connect(settings.REDIS_URL)
        # What is loaded now stays. The collector would go through all of it again and again, also as the process ends,
        # which is a quarter of the processor time of a short command.
        gc.freeze()
        gc.enable()  # manage.py disables it
