"""Links with query strings."""

from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils.http import url_has_allowed_host_and_scheme


def query_string(values: dict[str, Any]) -> str:
    """Return *values* as a query string with a leading ``?``, or an empty string; list items repeat the name."""
    query = QueryDict(mutable=True)
    for name, value in values.items():
        query.setlist(name, value if isinstance(value, list) else [str(value)])
    return f"?{query.urlencode(safe=':,')}" if query else ""


def back_to(request: HttpRequest, default: str) -> str:
    """Return the URL in ``next`` if it is on this site; else *default*."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    is_address = url.startswith(("/", "http://", "https://"))  # else redirect() would take it for a view's name
    is_here = is_address and url_has_allowed_host_and_scheme(url, {request.get_host()}, request.is_secure())
    return url if is_here else default
