"""The web server's entry point: the WSGI application behind a bridge that waits for slow clients."""

from batchconsole.api.refusals import Refusal, refuse
from batchconsole.body_limits import limit_of
from batchconsole.bridge import Bridge
from batchconsole.counts import count_request
from batchconsole.wsgi import application as wsgi_application


def counted_refusal(path: str, status: int, message: str) -> Refusal:
    """Return the answer to a request that the bridge refuses, which Django never sees."""
    count_request(path, status)
    return refuse(path, status, message)


application = Bridge(wsgi_application, limit_of=limit_of, refuse=counted_refusal)
