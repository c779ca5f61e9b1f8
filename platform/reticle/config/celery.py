"""The Celery application: the clock and the muscle. The database is the job queue."""

import os

from celery import Celery
from celery.signals import task_prerun
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reticle.config.settings")
app = Celery("reticle")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Celery would open a database connection for every task: with a tick every other second, readers
# would wait behind the database's logins. (The key's prefix is Celery's own, not our namespace.)
app.conf.update({"CELERY_DB_REUSE_MAX": 1_000_000})
app.autodiscover_tasks()


@task_prerun.connect
def drop_dead_connections(**_: object) -> None:
    """Let a task begin with a connection that works, whatever became of the database meanwhile."""
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None and not connection.is_usable():
            connection.close()
