"""The WSGI application, for asgi.py, and for a WSGI server behind a proxy that waits for slow clients."""

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
# Views are otherwise loaded by the first request, once in each worker, and a broken one would be found only then.
get_resolver().check()
