"""The domain as a Django application."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "batchconsole.jobs"
    label = "jobs"
    verbose_name = "Batch jobs"
