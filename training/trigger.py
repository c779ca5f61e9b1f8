"""STEP trigger: when a campaign gets a training run, by its policy or because a person asks.

A new label never kills a run: a campaign has one active run (a database constraint), and labels
that come while it trains count towards the next.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from annotations.campaigns import training_policy
from annotations.models import Campaign, Task
from reticle.accounts.models import User
from reticle.audit.record import record
from reticle.errors import Conflict
from training.models import TrainingRun

State = TrainingRun.State


def refresh_state(campaign: Campaign) -> dict[str, Any]:
    """Return how far the next training run is: labels new since the last one, and what lacks.

    A run that is under way has its labels; one that failed or was cancelled has used none.
    """
    policy = training_policy(campaign.training)
    settled = campaign.tasks.filter(state=Task.State.SETTLED)
    held_out = settled.filter(held_out=True).count()
    total = settled.count()
    last = (
        campaign.runs.filter(snapshot__isnull=False)
        .exclude(state__in=[State.FAILED, State.CANCELLED])
        .select_related("snapshot").order_by("-id").first()
    )  # fmt: skip
    used = last.snapshot.labels + last.snapshot.held_out if last and last.snapshot else 0
    needed = max(
        int(policy_number(policy, "minimum_new")) - (total - used),
        int(policy_number(policy, "minimum_total")) - total,
        int(policy_number(policy, "minimum_held_out")) - held_out,
        0,
    )
    return {
        "enabled": bool(policy["enabled"]),
        "settled": total,
        "held_out": held_out,
        "new_labels": max(0, total - used),
        "needed": needed,
    }


def policy_number(policy: Mapping[str, object], name: str) -> float:
    """Return a number of a policy that `training_policy` has filled in."""
    value = policy[name]
    assert isinstance(value, int | float)
    return float(value)


def runs_trigger() -> int:
    """Queue a run for each open campaign whose policy asks for one; return how many."""
    started = 0
    for campaign in Campaign.objects.filter(state=Campaign.State.OPEN):
        state = refresh_state(campaign)
        if not state["enabled"] or state["needed"] or _cooling(campaign):
            continue
        started += (
            run_create(campaign=campaign, actor=None, reason=f"{state['new_labels']} new labels")
            is not None
        )
    return started


def _cooling(campaign: Campaign) -> bool:
    """Tell whether a run is active, or the last one ended within the cool-down."""
    if campaign.runs.filter(state__in=TrainingRun.ACTIVE).exists():
        return True
    seconds = policy_number(training_policy(campaign.training), "cooldown_seconds")
    since = now() - timedelta(seconds=seconds)
    return campaign.runs.filter(finished_at__gt=since).exists()


def run_create(*, campaign: Campaign, actor: User | None, reason: str) -> TrainingRun | None:
    """Queue a run; None when one is active already (a constraint, not a race, decides)."""
    try:
        with transaction.atomic():
            number = campaign.runs.count()
            run = TrainingRun.objects.create(
                campaign=campaign, created_by=actor, reason=reason, seed=number,
                config=_config(training_policy(campaign.training)),
            )  # fmt: skip
            record(
                actor_id=actor.pk if actor else None, action="run.create", target=run,
                campaign_id=campaign.pk, reason=reason,
            )  # fmt: skip
            return run
    except IntegrityError:
        return None


def run_request(*, campaign: Campaign, actor: User) -> TrainingRun:
    """Queue a run because a person asks. Raises Conflict: one is active, or no labels yet."""
    state = refresh_state(campaign)
    if state["settled"] == state["held_out"] or not state["held_out"]:
        raise Conflict(
            "A run needs at least one settled training case and one settled held-out case.",
            code="too_few_labels", detail=state,
        )  # fmt: skip
    run = run_create(campaign=campaign, actor=actor, reason="asked for by hand")
    if run is None:
        raise Conflict("A training run is active already.", code="run_active")
    return run


def _config(policy: Mapping[str, object]) -> dict[str, object]:
    return {
        "preset": policy["preset"],
        "epochs": int(policy_number(policy, "epochs")),
        "minimum_steps": int(policy_number(policy, "minimum_steps")),
        "seconds": policy_number(policy, "seconds"),
        "threads": settings.TRAINING_THREADS,
    }


def run_cancel(*, run: TrainingRun, actor: User) -> TrainingRun:
    """Ask a run to stop; a queued one ends at once. Raises Conflict when it has ended."""
    with transaction.atomic():
        row = TrainingRun.objects.select_for_update().get(pk=run.pk)
        if row.state not in TrainingRun.ACTIVE:
            raise Conflict("This run has ended already.", code="run_ended")
        row.cancel_requested = True
        if row.state == State.QUEUED:
            row.state, row.finished_at = State.CANCELLED, now()
        row.save(update_fields=["cancel_requested", "state", "finished_at"])
        record(actor_id=actor.pk, action="run.cancel", target=row, campaign_id=row.campaign_id)
        return row
