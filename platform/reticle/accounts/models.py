"""People."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A local account. `is_superuser` is the administrator; other roles are per campaign."""

    language = models.CharField(max_length=10, default="en")

    @property
    def name(self) -> str:
        """The name shown to colleagues."""
        return self.get_full_name() or self.username
