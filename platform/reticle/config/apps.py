"""The configuration app: carries the commands that start and fill an installation."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Commands `up` and `demo`."""

    name = "reticle.config"
    label = "reticle_config"
