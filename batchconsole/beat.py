"""The Celery application of the scheduler. It sends one task by its name, so it loads no task, no model, and no Django.

Beat with ``batchconsole.celery`` does the same, with the memory and the time to start of a worker.
"""

import gc

from celery import Celery

from batchconsole.celery import CONFIGURATION

app = Celery("beat", fixups=[])  # Celery's fixup for Django would set Django up
app.conf.update(CONFIGURATION)
gc.freeze()  # as in batchconsole.apps
