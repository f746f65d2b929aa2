"""URLs of the activity page."""

from django.urls import URLPattern

from batchconsole.console.activity import views
from batchconsole.url_rights import Audience, page

urlpatterns: list[URLPattern] = [
    page("activity.csv", views.export, name="activity-export", right=Audience.SIGNED_IN),
    page("activity/", views.index, name="activity", right=Audience.SIGNED_IN),
]
