"""The address a request comes from: what trusted proxies say, and nobody else.

Anybody may send ``X-Forwarded-For``. A proxy adds the address it was called from at its end, so the list is read from
there for as long as each address is a trusted proxy's; the first that is not is the client's.
"""

import ipaddress
from collections.abc import Callable, Sequence
from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ClientAddressMiddleware:
    """Have ``REMOTE_ADDR`` be the client's address, whatever proxies stand between."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        peer = request.META.get("REMOTE_ADDR", "")
        request.META["REMOTE_ADDR"] = client_address(
            peer, request.headers.get("X-Forwarded-For", ""), trusted=tuple(settings.TRUSTED_PROXIES)
        )
        return self.get_response(request)


def client_address(peer: str, forwarded: str, *, trusted: Sequence[str]) -> str:
    """The address of the client whose request arrived from *peer* with the header *forwarded*.

    *trusted* are addresses and networks of proxies. What is no address ends the reading: the last proxy's word counts.
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
    """The networks that *texts* name; raises ValueError for what is none."""
    return tuple(ipaddress.ip_network(text.strip(), strict=False) for text in texts)


def is_in(text: str, networks: Sequence[Network]) -> bool:
    address = read_address(text)
    return address is not None and any(address in network for network in networks)


def read_address(text: str) -> Address | None:
    """The address that *text* is, without a port and the brackets of IPv6; None for anything else."""
    bare = text.removeprefix("[").partition("]")[0] if text.startswith("[") else text
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
