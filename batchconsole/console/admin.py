"""The administration: what is registered with it, a module for each noun."""

from django.contrib import admin

from batchconsole.console.connection_admin import ConnectionAdmin
from batchconsole.console.input_admin import InputCheckAdmin, MadeInputAdmin, ResultFileAdmin
from batchconsole.console.job_admin import BatchJobAdmin, BulkActionAdmin, BulkActionItemAdmin, EventAdmin
from batchconsole.console.limit_admin import ModelLimitAdmin
from batchconsole.console.price_admin import ModelPriceAdmin

__all__ = [
    "BatchJobAdmin",
    "BulkActionAdmin",
    "BulkActionItemAdmin",
    "ConnectionAdmin",
    "EventAdmin",
    "InputCheckAdmin",
    "MadeInputAdmin",
    "ModelLimitAdmin",
    "ModelPriceAdmin",
    "ResultFileAdmin",
]

admin.site.site_header = "Batch Console administration"
admin.site.site_title = "Batch Console"
