"""``{% load console %}`` loads all small tags and filters of the console; each module holds those of one subject."""

from django import template

from batchconsole.console.templatetags import events, figures, links, parts, rights, statuses, times

register = template.Library()
for module in (events, figures, links, parts, rights, statuses, times):
    register.tags |= module.register.tags
    register.filters |= module.register.filters
