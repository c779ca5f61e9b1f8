"""The Celery application: the clock and the muscle. The database is the job queue."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reticle.config.settings")
app = Celery("reticle")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
