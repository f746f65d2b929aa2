"""Show content by permission: ``{% may "job-stop" job %}the button{% endmay %}``."""

from django import template
from django.contrib.auth.models import AnonymousUser
from django.template import Context

from batchconsole.console.frame import access
from batchconsole.jobs.rights.access import Owned

register = template.Library()


@register.simple_block_tag(takes_context=True)
def may(context: Context, content: str, url_name: str, of: Owned | None = None) -> str:
    """Return *content* if the user may open the URL *url_name* of the page's connection or of the object *of*."""
    connection = of.connection if of else context.get("connection")
    return content if access.may(context.get("user") or AnonymousUser(), url_name, connection, of) else ""
