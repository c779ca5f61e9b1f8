"""A model version is worked on by one worker at a time, which holds it by the database's clock."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from annotations.models import Campaign
from training.models import ModelVersion

OPEN = Q(campaign__state=Campaign.State.OPEN)


def claim(
    models: QuerySet[ModelVersion], wanted: Callable[[ModelVersion], bool] = lambda _: True
) -> ModelVersion | None:
    """Claim the first of these that nobody holds and that is wanted.

    None when there is none, or other workers were quicker.
    """
    for model in models.filter(free()).select_related("campaign"):
        if not wanted(model):
            continue
        changed = ModelVersion.objects.filter(
            free(), pk=model.pk, state=model.state, scoring_token=model.scoring_token
        ).update(scoring_until=claim_until(), scoring_token=F("scoring_token") + 1)
        if changed == 1:
            model.refresh_from_db()
            return model
    return None


def free() -> Q:
    """Return what holds of a version that no worker holds."""
    return Q(scoring_until=None) | Q(scoring_until__lt=Now())


def claim_until() -> Any:
    """Return the time until which a claim made now holds, for a statement."""
    return Now() + timedelta(seconds=settings.RUN_LEASE_SECONDS)


def claim_beat(model: ModelVersion) -> bool:
    """Prolong the claim; False when the model is not what it was (champion, shadow) or lost it."""
    changed = ModelVersion.objects.filter(
        pk=model.pk, scoring_token=model.scoring_token, state=model.state
    ).update(scoring_until=claim_until())
    return changed == 1
