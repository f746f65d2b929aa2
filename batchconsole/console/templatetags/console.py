"""``{% load console %}``: all small parts of the console's pages, each in the module of its noun."""

from django import template

from batchconsole.console.templatetags import events, figures, links, parts, rights, statuses, times

register = template.Library()
for module in (events, figures, links, parts, rights, statuses, times):
    register.tags |= module.register.tags
    register.filters |= module.register.filters
