"""`manage.py export_labels --campaign SLUG FILE`: the settled labels as a zip."""

import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotations.export import export_create, export_path, export_run
from annotations.models import Campaign


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
        row = export_run(export_create(campaign=campaign, actor=None))
        if row.error:
            raise CommandError(row.error)
        shutil.copyfile(export_path(row), options["file"])
        self.stdout.write(f"{row.cases} cases, sha256 {row.sha256}")
