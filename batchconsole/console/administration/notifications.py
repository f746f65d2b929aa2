"""Notification channels and deliveries in the administration, read-only: users change them on their own pages."""

from django.contrib import admin

from batchconsole.console.administration.limited import OF_CONNECTION
from batchconsole.console.administration.read_only import ReadOnlyAdmin
from batchconsole.jobs.models import Delivery, NotificationChannel


@admin.register(NotificationChannel)
class NotificationChannelAdmin(ReadOnlyAdmin):
    list_display = ("name", "kind", "connection", "user", "shown", "failures", "paused_at")
    list_filter = ("kind", OF_CONNECTION)
    list_select_related = ("connection", "user")
    search_fields = ("name", "user__username")
    exclude = ("sealed_address", "uid")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    connection_path = "channel__connection"
    list_display = ("notice", "channel", "state", "attempts", "message", "created_at", "due_at")
    list_filter = ("state", "channel__kind")
    list_select_related = ("notice", "channel")
