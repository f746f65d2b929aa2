"""The domain as a Django application. It connects the tasks to the nudges once Django is ready."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "batchconsole.jobs"
    label = "jobs"
    verbose_name = "Batch jobs"

    def ready(self) -> None:
        import batchconsole.jobs.tasks  # noqa: F401, PLC0415 - importing it connects its receiver, once apps are ready
