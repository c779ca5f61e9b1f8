"""`manage.py export_labels --campaign SLUG FILE`: the settled labels as a zip."""

import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotations.export import export_now, export_path
from annotations.models import Campaign, Export


class Command(BaseCommand):
    """Export PNG masks and COCO with a manifest of hashes."""

    help = "Write the settled labels of a campaign (PNG masks, COCO, manifest) to a zip."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument("--campaign", required=True)
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the export in this process and copy it."""
        campaign = Campaign.objects.filter(slug=options["campaign"]).first()
        if campaign is None:
            raise CommandError(f"There is no campaign {options['campaign']!r}.")
        row = export_now(campaign)
        if row.state != Export.State.DONE:
            raise CommandError(row.error or f"Another worker has taken export {row.pk} over.")
        shutil.copyfile(export_path(row), options["file"])
        self.stdout.write(f"{row.cases} cases, sha256 {row.sha256}")
