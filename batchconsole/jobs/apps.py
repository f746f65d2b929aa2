"""The domain as a Django application: connects tasks to nudges, and defaults, index, triggers and roles to migrate."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from batchconsole.aws import upload_watch
from batchconsole.jobs import column_defaults
from batchconsole.jobs.field_names import spell_field_names
from batchconsole.jobs.finding import search


class JobsConfig(AppConfig):
    name = "batchconsole.jobs"
    label = "jobs"
    verbose_name = "Batch jobs"

    def ready(self) -> None:
        import batchconsole.jobs.tasks  # noqa: F401, PLC0415 - importing it connects its receiver, once apps are ready

        # These need the models, which exist once apps are ready.
        from batchconsole.jobs import audit  # noqa: PLC0415 - as said above
        from batchconsole.jobs.rights import access  # noqa: PLC0415 - as said above
        from batchconsole.jobs.s3 import open_uploads  # noqa: PLC0415 - as said above

        for model in self.get_models():
            spell_field_names(model)
        upload_watch.watch(open_uploads.Rows())
        post_migrate.connect(column_defaults.keep_defaults, sender=self, dispatch_uid="jobs.column_defaults")
        post_migrate.connect(search.make_index, sender=self, dispatch_uid="jobs.search")
        post_migrate.connect(audit.make_triggers, sender=self, dispatch_uid="jobs.audit")
        post_migrate.connect(access.ship_roles, sender=self, dispatch_uid="jobs.access")
