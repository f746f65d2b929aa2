"""The client address of a request, as reported by trusted proxies only.

Anybody can send ``X-Forwarded-For``. Each proxy appends the address of its caller, so the list is read from the end
while the addresses are those of trusted proxies; the first other address is the client's.
"""

import ipaddress
from collections.abc import Callable, Sequence
from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ClientAddressMiddleware:
    """Set ``REMOTE_ADDR`` to the client's address, even behind proxies."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        peer = request.META.get("REMOTE_ADDR", "")
        request.META["REMOTE_ADDR"] = client_address(
            peer, request.headers.get("X-Forwarded-For", ""), trusted=tuple(settings.TRUSTED_PROXIES)
        )
        return self.get_response(request)


def client_address(peer: str, forwarded: str, *, trusted: Sequence[str]) -> str:
    """Return the address of the client whose request came from *peer* with the ``X-Forwarded-For`` *forwarded*.

    *trusted* are addresses and networks of proxies. If an entry is not an address, the result is the proxy that
    reported it.
    """
    networks = read_networks(tuple(trusted))
    here, before = peer, [each.strip() for each in forwarded.split(",") if each.strip()]
    while before and is_in(here, networks):
        said = before.pop()
        if read_address(said) is None:
            return here
        here = str(read_address(said))
    return here


@cache
def read_networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Parse *texts* as addresses or networks; raise ValueError if one is neither."""
    return tuple(ipaddress.ip_network(text.strip(), strict=False) for text in texts)


def is_in(text: str, networks: Sequence[Network]) -> bool:
    address = read_address(text)
    return address is not None and any(address in network for network in networks)


def read_address(text: str) -> Address | None:
    """Parse *text* as an IP address, ignoring a port and the brackets of IPv6; return None if it is not one."""
    bare = text.removeprefix("[").partition("]")[0] if text.startswith("[") else text
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
