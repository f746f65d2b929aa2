"""What a browser sees, as Django applications: the console, and Django's administration with a site of its own."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AppConfig):
    name = "batchconsole.console"
    label = "console"
    verbose_name = "Console"


class AdministrationConfig(AdminConfig):
    default = False  # of django.contrib.admin's configurations; settings.py names this one
    default_site = "batchconsole.console.administration.site.AdministrationSite"
