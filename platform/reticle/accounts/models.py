"""People."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A local account. `is_superuser` is the administrator; other roles are per campaign."""

    # Only what was chosen; `accounts.preferences` knows the rest.
    preferences = models.JSONField(default=dict, blank=True, editable=False)

    @property
    def name(self) -> str:
        """The name shown to colleagues."""
        return self.get_full_name() or self.username
