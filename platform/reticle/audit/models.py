"""The record of what happened, insert-only (a database trigger refuses anything else)."""

from django.conf import settings
from django.db import models
from django.db.models import Func
from django.db.models.functions import Now


class TransactionNumber(Func):
    """The writing transaction's number: later numbers may commit earlier, never reappear."""

    template = "pg_current_xact_id()::text::bigint"
    output_field = models.BigIntegerField()


class AuditEvent(models.Model):
    """Who did what to which row, and when. Written in the step's own transaction."""

    at = models.DateTimeField(db_default=Now())
    transaction = models.BigIntegerField(db_default=TransactionNumber())
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=60)
    target_id = models.BigIntegerField(null=True)
    campaign_id = models.BigIntegerField(null=True)
    detail = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["campaign_id", "-id"], name="audit_campaign"),
            models.Index(fields=["transaction", "id"], name="audit_transaction"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target} {self.target_id}"


class AuditSeal(models.Model):
    """A link of the chain: the hash over the previous seal and all events up to `last`."""

    at = models.DateTimeField(db_default=Now())
    last_transaction = models.BigIntegerField(unique=True)
    events = models.PositiveIntegerField()
    previous = models.CharField(max_length=64, unique=True)
    sha256 = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        return f"seal {self.pk} over {self.events} events"
