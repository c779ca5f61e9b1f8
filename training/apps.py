"""The training app."""

from django.apps import AppConfig


class TrainingConfig(AppConfig):
    """Snapshots, runs, model versions, and what they predict."""

    name = "training"
