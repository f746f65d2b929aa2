"""Every URL of the console. A connection's name is the first part of each page that belongs to it."""

from django.contrib import admin
from django.urls import include, path

handler500 = "batchconsole.console.frame.trouble.server_error"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("batchconsole.console.urls")),
]
