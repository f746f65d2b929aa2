"""The WSGI application, for asgi.py or for a WSGI server behind a proxy that buffers slow clients."""

import gc
import os

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from batchconsole.checks import missing_secret_key, sign_in_errors

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "batchconsole.settings")
application = get_wsgi_application()
if missing := missing_secret_key():
    raise ImproperlyConfigured(f"{missing.msg} {missing.hint}")
for unreadable in sign_in_errors():
    raise ImproperlyConfigured(f"{unreadable.msg} {unreadable.hint}")
# Load all views now. Otherwise the first request to each worker would load them, and a broken view would show up late.
get_resolver().check()
gc.freeze()  # the views stay too: batchconsole.apps
