"""The audit app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The tamper-evident record of what people and workers did."""

    name = "reticle.audit"
