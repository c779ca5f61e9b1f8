"""The annotations app."""

from django.apps import AppConfig


class AnnotationsConfig(AppConfig):
    """Campaigns, the queue, and what people drew. It knows nothing of machine learning."""

    name = "annotations"
