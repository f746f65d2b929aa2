"""The web server's entry point: the WSGI application behind a bridge that waits for slow clients."""

from batchconsole.api.refusals import refuse
from batchconsole.body_limits import limit_of
from batchconsole.bridge import Bridge
from batchconsole.wsgi import application as wsgi_application

application = Bridge(wsgi_application, limit_of=limit_of, refuse=refuse)
