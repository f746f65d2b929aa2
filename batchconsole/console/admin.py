"""Register the models of the administration; each noun has a module in the package ``administration``."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin

from batchconsole.console.administration.connections import ConnectionAdmin
from batchconsole.console.administration.inputs import InputCheckAdmin, MadeInputAdmin, ResultFileAdmin
from batchconsole.console.administration.jobs import BatchJobAdmin, BulkActionAdmin, BulkActionItemAdmin, EventAdmin
from batchconsole.console.administration.limits import BudgetAdmin, ModelLimitAdmin
from batchconsole.console.administration.notifications import DeliveryAdmin, NotificationChannelAdmin
from batchconsole.console.administration.people import GroupAdmin, RoleAdmin, UserAdmin
from batchconsole.console.administration.prices import ModelPriceAdmin
from batchconsole.console.administration.schedules import ScheduleAdmin

__all__ = [
    "BatchJobAdmin",
    "BudgetAdmin",
    "BulkActionAdmin",
    "BulkActionItemAdmin",
    "ConnectionAdmin",
    "DeliveryAdmin",
    "EventAdmin",
    "GroupAdmin",
    "InputCheckAdmin",
    "MadeInputAdmin",
    "ModelLimitAdmin",
    "ModelPriceAdmin",
    "NotificationChannelAdmin",
    "ResultFileAdmin",
    "RoleAdmin",
    "ScheduleAdmin",
    "UserAdmin",
]

# Replace the administration's own sign-in, which has neither a limit on attempts nor a second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign] # as allauth documents it
