"""All URLs of the console. The path of a page that belongs to a connection begins with the connection's name."""

from django.contrib import admin
from django.urls import include, path

from batchconsole.url_rights import Audience, declare

handler400 = "batchconsole.console.frame.trouble.bad_request"
handler403 = "batchconsole.console.frame.trouble.forbidden"
handler404 = "batchconsole.console.frame.trouble.not_found"
handler500 = "batchconsole.console.frame.trouble.server_error"

urlpatterns = [
    path("admin/", (declare(admin.site.get_urls(), Audience.STAFF), "admin", admin.site.name)),
    path("", include("batchconsole.api.urls")),
    path("", include("batchconsole.console.urls")),
]
