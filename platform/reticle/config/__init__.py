"""Configuration: the one package that sees all others."""

from reticle.config.celery import app as celery_app

__all__ = ["celery_app"]
