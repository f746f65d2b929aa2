"""What a browser sees, as a Django application."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "batchconsole.console"
    label = "console"
    verbose_name = "Console"
