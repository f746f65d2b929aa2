"""The console's URLs, page by page. Their names are noun and verb: ``job-list``, ``job-stop``."""

from django.urls import URLPattern, URLResolver

from batchconsole.console.account.urls import urlpatterns as account_urls
from batchconsole.console.activity.urls import urlpatterns as activity_urls
from batchconsole.console.bulk_actions.urls import urlpatterns as bulk_actions_urls
from batchconsole.console.comparison.urls import urlpatterns as comparison_urls
from batchconsole.console.create.urls import urlpatterns as create_urls
from batchconsole.console.frame.urls import urlpatterns as frame_urls
from batchconsole.console.input_checks.urls import urlpatterns as input_checks_urls
from batchconsole.console.job.urls import urlpatterns as job_urls
from batchconsole.console.job_list.urls import urlpatterns as job_list_urls
from batchconsole.console.job_templates.urls import urlpatterns as job_templates_urls
from batchconsole.console.make_input.urls import urlpatterns as make_input_urls
from batchconsole.console.models.urls import urlpatterns as models_urls
from batchconsole.console.notifications.urls import urlpatterns as notifications_urls
from batchconsole.console.on_demand.urls import urlpatterns as on_demand_urls
from batchconsole.console.overview.urls import urlpatterns as overview_urls
from batchconsole.console.programs.urls import urlpatterns as programs_urls
from batchconsole.console.s3.urls import urlpatterns as s3_urls
from batchconsole.console.schedules.urls import urlpatterns as schedules_urls
from batchconsole.console.split.urls import urlpatterns as split_urls
from batchconsole.console.usage.urls import urlpatterns as usage_urls

urlpatterns: list[URLPattern | URLResolver] = [
    *frame_urls,
    *account_urls,
    *activity_urls,
    *notifications_urls,
    *create_urls,
    *on_demand_urls,
    *make_input_urls,
    *split_urls,
    *comparison_urls,
    *usage_urls,
    *input_checks_urls,
    *models_urls,
    *programs_urls,
    *s3_urls,
    *job_list_urls,
    *bulk_actions_urls,
    *job_templates_urls,
    *schedules_urls,
    *job_urls,
    # Last, so that pages of one word such as /activity/ take precedence over a connection of the same name.
    *overview_urls,
]
