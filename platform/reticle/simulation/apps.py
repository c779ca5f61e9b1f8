"""The simulation app: carries the command `simulate`."""

from django.apps import AppConfig


class SimulationConfig(AppConfig):
    """Simulated readers who work through the REST API only."""

    name = "reticle.simulation"
