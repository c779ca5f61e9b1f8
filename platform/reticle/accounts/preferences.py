"""What a person likes: keys, hand, colours, language, breaks. Kept with the account."""

from collections.abc import Mapping
from typing import TypedDict

from django.db import models, transaction

from reticle.accounts.models import User


class Hand(models.TextChoices):
    """The side the tools lie on is the other one's."""

    RIGHT = "right"
    LEFT = "left"


class Scheme(models.TextChoices):
    """Colours of the desk; the reading room is always dark."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


class Language(models.TextChoices):
    """The languages the pages speak; empty as long as nobody chose, then the browser's counts."""

    UNSET = ""
    ENGLISH = "en"
    CHINESE = "zh-CN"


class Preferences(TypedDict):
    """Everything a person may choose, complete."""

    keys: dict[str, list[str]]  # action -> its keys; an action that is not named keeps its own
    hand: str
    scheme: str
    language: str
    breaks: int  # minutes of reading after which a break is proposed; 0 for never
    tour_seen: bool


DEFAULTS: Preferences = {
    "keys": {},
    "hand": Hand.RIGHT,
    "scheme": Scheme.AUTO,
    "language": Language.UNSET,
    "breaks": 45,
    "tour_seen": False,
}


def preferences_of(user: User) -> Preferences:
    """Return what the person chose, and the defaults for the rest."""
    return {**DEFAULTS, **user.preferences}


def preferences_change(*, user: User, changes: Mapping[str, object]) -> User:
    """Replace the preferences named in `changes`; the others stay."""
    with transaction.atomic():
        # Two windows of one person may write at once: neither undoes what the other changed.
        row = User.objects.select_for_update().get(pk=user.pk)
        row.preferences = {**row.preferences, **changes}
        row.save(update_fields=["preferences"])
    return row
