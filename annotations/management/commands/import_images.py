"""`manage.py import_images --campaign SLUG PATH...`: files and folders into a campaign."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotations.join import import_create, import_now
from annotations.models import Campaign
from reticle.images.intake import item_counts
from reticle.images.models import IntakeItem


def files_below(paths: list[Path]) -> list[tuple[str, Path]]:
    """Return (name, path) of every file named or lying below a named folder, in order."""
    found: list[Path] = []
    for path in paths:
        found += sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return [(path.name, path.resolve()) for path in found if not path.name.startswith(".")]


class Command(BaseCommand):
    """Import images; the originals stay where they are."""

    help = "Import images (PNG, JPEG, TIFF, NIfTI, DICOM, zip) into a campaign."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument("--campaign", required=True)
        parser.add_argument("paths", nargs="+", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, then say what became of each file that did not come in."""
        campaign = Campaign.objects.filter(slug=options["campaign"]).first()
        if campaign is None:
            raise CommandError(f"There is no campaign {options['campaign']!r}.")
        missing = [str(path) for path in options["paths"] if not path.exists()]
        if missing:
            raise CommandError(f"Not found: {', '.join(missing)}")
        row = import_create(
            campaign=campaign, actor=None, source="command", files=files_below(options["paths"])
        )
        import_now(row)
        for item in row.intake.items.filter(state=IntakeItem.State.REJECTED).order_by("id"):
            self.stdout.write(f"rejected {item.name}: {item.code}: {item.reason}")
        counts = ", ".join(f"{count} {name}" for name, count in item_counts(row.intake).items())
        self.stdout.write(f"{counts}; {campaign.tasks.count()} cases in {campaign.slug}")
        if row.intake.error:
            raise CommandError(row.intake.error)
