"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People and the table of what a role may do."""

    name = "reticle.accounts"
