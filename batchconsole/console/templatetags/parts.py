"""The smallest parts of a page: icons, Info links, external links, copy buttons."""

import re
from functools import lru_cache
from typing import Any

from django import template
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from batchconsole.console.kit.sent_twice import FIELD, new_token

register = template.Library()

SEPARATED = re.compile(r"(?<=[:/._])")


@register.simple_tag
def request_token() -> SafeString:
    """Return the hidden input with a new token, which reveals a form that is sent twice."""
    return format_html('<input type="hidden" name="{}" value="{}">', FIELD, new_token())


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Return an icon from ``img/icons.svg``, hidden from assistive technology unless it has a *label*."""
    return drawn(static("img/icons.svg"), name, label)


@lru_cache(maxsize=1000)
def drawn(url: str, name: str, label: str) -> SafeString:
    use = format_html('<use href="{}#{}"></use>', url, name)
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}">{}</svg>', label, use)
    return format_html('<svg class="icon" aria-hidden="true">{}</svg>', use)


@register.simple_tag
def info(topic: str, label_id: str) -> SafeString:
    """Return a link to the help topic ``console/help/<topic>.html``, with the label *label_id* in its name."""
    return format_html(
        '<a class="info-link" id="info-{0}" href="{1}" data-help-topic="{2}" aria-labelledby="info-{0} {0}">Info</a>',
        label_id,
        reverse("help", args=[topic]),
        topic,
    )


@register.inclusion_tag("console/frame/_learn_more.html")
def learn_more(*titles_and_urls: str) -> dict[str, Any]:
    """Render the end of a help topic: external links, passed as alternating titles and URLs."""
    return {"links": list(zip(titles_and_urls[::2], titles_and_urls[1::2], strict=True))}


@register.filter
def breakable(text: str) -> SafeString:
    """Allow line breaks after the separators of an ARN, URI or ID; a single part breaks only if it is too long."""
    return format_html_join("", "{}<wbr>", ((part,) for part in SEPARATED.split(text) if part))


@register.inclusion_tag("console/kit/_copy.html")
def copy(text: str, what: str, url: str = "") -> dict[str, Any]:
    """Render *text* with a copy button before it; *what* names it (``ARN``), *url* is its link target."""
    return {"text": text, "what": what, "url": url}
