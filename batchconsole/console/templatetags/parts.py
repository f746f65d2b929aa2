"""The smallest parts of a page: icons, Info links, links to learn more, copy buttons."""

import re
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
    """The hidden control by which a form that is sent twice is known."""
    return format_html('<input type="hidden" name="{}" value="{}">', FIELD, new_token())


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of ``img/icons.svg``: hidden from assistive technology unless it has a *label* of its own."""
    use = format_html('<use href="{}#{}"></use>', static("img/icons.svg"), name)
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}">{}</svg>', label, use)
    return format_html('<svg class="icon" aria-hidden="true">{}</svg>', use)


@register.simple_tag
def info(topic: str, label_id: str) -> SafeString:
    """An Info link: opens the help topic ``console/help/<topic>.html``; its name ends with the label at *label_id*."""
    return format_html(
        '<a class="info-link" id="info-{0}" href="{1}" data-help-topic="{2}" aria-labelledby="info-{0} {0}">Info</a>',
        label_id,
        reverse("help", args=[topic]),
        topic,
    )


@register.inclusion_tag("console/frame/_learn_more.html")
def learn_more(*titles_and_urls: str) -> dict[str, Any]:
    """The end of a help topic: links to pages elsewhere, each a title and an address."""
    return {"links": list(zip(titles_and_urls[::2], titles_and_urls[1::2], strict=True))}


@register.filter
def breakable(text: str) -> SafeString:
    """An ARN, URI or ID that lines break after its separators, and elsewhere only where a part alone is too long."""
    return format_html_join("", "{}<wbr>", ((part,) for part in SEPARATED.split(text) if part))


@register.inclusion_tag("console/kit/_copy.html")
def copy(text: str, what: str, url: str = "") -> dict[str, Any]:
    """*text* with a button before it that copies it; *what* names it (``ARN``), *url* is where it leads."""
    return {"text": text, "what": what, "url": url}
