"""The audit chain: complete, ordered, and any change shows."""

import pytest
from django.db import connection

import make
from reticle.audit.models import AuditEvent, AuditSeal
from reticle.audit.record import record, seal, verify_chain

pytestmark = pytest.mark.django_db(transaction=True)


def event(number: int) -> None:
    person = make.user(f"person-{number}")
    record(actor_id=person.pk, action="test", target=person, number=number)


def tamper(statement: str) -> None:
    """Do what only somebody with the database's own password can do."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER insert_only")
        cursor.execute(statement)
        cursor.execute("ALTER TABLE audit_auditevent ENABLE TRIGGER insert_only")


def test_events_are_sealed_once_and_the_chain_verifies() -> None:
    for number in range(3):
        event(number)
    first = seal()
    assert first is not None
    assert first.events == AuditEvent.objects.count()
    assert seal() is None
    event(3)
    second = seal()
    assert second is not None
    assert second.previous == first.sha256
    assert verify_chain() == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditevent SET detail = '{}' WHERE action = 'test'",
        "DELETE FROM audit_auditevent WHERE id = (SELECT min(id) FROM audit_auditevent)",
        "UPDATE audit_auditevent SET at = at + interval '1 second'",
    ],
)
def test_a_changed_or_missing_event_breaks_the_chain(statement: str) -> None:
    event(0)
    event(1)
    seal()
    assert verify_chain() == []
    tamper(statement)
    assert len(verify_chain()) == AuditSeal.objects.count() == 1


def test_events_of_a_transaction_still_running_wait_for_the_next_seal() -> None:
    """A transaction that began earlier and commits later must not fall between two seals."""
    import threading

    from django.db import transaction

    written, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            event(100)
            written.set()
            go_on.wait(30)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    written.wait(30)
    event(101)
    seal()
    go_on.set()
    thread.join()
    seal()
    assert verify_chain() == []
    sealed = sum(AuditSeal.objects.values_list("events", flat=True))
    assert sealed == AuditEvent.objects.count() == 2
