"""The machine-learning core: torch and MONAI, no Django. `python -m training.ml --help`."""
