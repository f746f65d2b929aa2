"""The WSGI entry point for gunicorn and other servers."""

import os

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

from batchconsole.checks import missing_secret_key

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "batchconsole.settings")
application = get_wsgi_application()
if missing := missing_secret_key():
    raise ImproperlyConfigured(f"{missing.msg} {missing.hint}")
