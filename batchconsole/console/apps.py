"""The Django applications that browsers see: the console, and Django's administration with its own site class."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AppConfig):
    name = "batchconsole.console"
    label = "console"
    verbose_name = "Console"


class AdministrationConfig(AdminConfig):
    default = False  # settings.py names this configuration explicitly
    default_site = "batchconsole.console.administration.site.AdministrationSite"
