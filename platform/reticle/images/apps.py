"""The images app."""

from django.apps import AppConfig


class ImagesConfig(AppConfig):
    """Studies, series and frames, and the way they come in."""

    name = "reticle.images"
