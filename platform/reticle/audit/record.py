"""Write audit rows, chain them by hash, and verify the chain."""

import hashlib
import json

from django.db import connection, transaction
from django.db.models import Model, QuerySet

from reticle.audit.models import AuditEvent, AuditSeal

GENESIS = "0" * 64
# Plain SQL: every lease and submission writes one, and a statement made anew costs as much again.
_INSERT = """
INSERT INTO audit_auditevent (actor_id, action, target, target_id, campaign_id, detail)
VALUES (%s, %s, %s, %s, %s, %s::jsonb)
"""


def record(
    *,
    actor_id: int | None,
    action: str,
    target: Model,
    campaign_id: int | None = None,
    **detail: object,
) -> None:
    """Insert one event into the current transaction: no lock, no chain, no waiting.

    `actor_id` is the person's key, or None for the machine.
    """
    name = target._meta.model_name or ""
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT, [actor_id, action, name, target.pk, campaign_id, json.dumps(detail)]
        )


def _digest(previous: str, events: QuerySet[AuditEvent]) -> tuple[str, int]:
    digest, count = hashlib.sha256(previous.encode()), 0
    for event in events.order_by("transaction", "id").iterator():
        line = [
            event.pk, event.at.isoformat(), event.actor_id, event.action, event.target,
            event.target_id, event.campaign_id, event.detail,
        ]  # fmt: skip
        digest.update(json.dumps(line, sort_keys=True).encode())
        count += 1
    return digest.hexdigest(), count


def seal() -> AuditSeal | None:
    """Chain all events of finished transactions; None when there is nothing new.

    Only transactions below the oldest one still running are taken, so no event can appear
    later inside a range that is sealed already.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('audit.seal'))")
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        horizon = cursor.fetchone()[0]
        last = AuditSeal.objects.order_by("-last_transaction").first()
        events = AuditEvent.objects.filter(transaction__lt=horizon)
        if last is not None:
            events = events.filter(transaction__gt=last.last_transaction)
        newest = events.order_by("-transaction").first()
        if newest is None:
            return None
        previous = last.sha256 if last else GENESIS
        sha256, count = _digest(previous, events)
        return AuditSeal.objects.create(
            last_transaction=newest.transaction, events=count, previous=previous, sha256=sha256
        )


def verify_chain() -> list[str]:
    """Recompute every seal; return what does not fit, in words (empty: the chain is whole)."""
    faults, previous, after = [], GENESIS, 0
    for link in AuditSeal.objects.order_by("last_transaction"):
        events = AuditEvent.objects.filter(
            transaction__gt=after, transaction__lte=link.last_transaction
        )
        sha256, count = _digest(previous, events)
        if link.previous != previous:
            faults.append(f"seal {link.pk} does not follow the seal before it")
        if (sha256, count) != (link.sha256, link.events):
            faults.append(
                f"seal {link.pk}: its {link.events} events were changed, added or removed"
            )
        previous, after = link.sha256, link.last_transaction
    return faults
