"""`manage.py simulate`: readers who work through the REST API while the real worker trains."""

import json
import secrets
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from annotations import campaigns
from annotations.models import Campaign
from reticle.accounts.models import User
from reticle.accounts.roles import Role
from reticle.images.models import ReferenceMask
from reticle.pixels.mask import Mask, unpack
from reticle.simulation import report
from reticle.simulation.effort import Hand
from reticle.simulation.final import baseline_report, champions_measured, held_out
from reticle.simulation.run import Shared, duplicates, simulate

NOISE_PIXELS = 0.8


def references(campaign: Campaign) -> Callable[[int], Mask]:
    """Return a function from image to hidden reference mask (rows, columns).

    All are read now: what the readers know must not hang on the database they are to outlive.
    Raises CommandError when an image has none.
    """
    rows = ReferenceMask.objects.filter(image__tasks__campaign=campaign).select_related("image")
    known = {row.image_id: (bytes(row.packed), row.image.rows, row.image.columns) for row in rows}
    lacking = campaign.tasks.exclude(image_id__in=known).exclude(state="excluded").count()
    if lacking:
        raise CommandError(
            f"{lacking} images have no reference mask: simulated readers need masks beside the "
            "images (name.mask.png, name.mask.nii.gz)."
        )
    return lambda image_id: unpack(*known[image_id])


def account(campaign: Campaign, name: str, role: Role) -> tuple[str, str]:
    """Return (user name, fresh password) of a simulated person with one role here."""
    person, _ = User.objects.get_or_create(username=name, defaults={"first_name": "Simulated"})
    password = secrets.token_urlsafe(16)
    person.set_password(password)
    person.save()
    campaigns.member_set(actor=person, campaign=campaign, user=person, roles={role})
    return name, password


class Command(BaseCommand):
    """Simulate readers and report what the loop gained."""

    help = "N simulated readers label a campaign over the REST API while the worker trains."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument("--campaign", required=True)
        parser.add_argument("--readers", type=int, default=2)
        parser.add_argument("--budget", type=int, default=60, help="labels to make")
        parser.add_argument("--noise", action="store_true", help="unsteady boundaries")
        parser.add_argument("--strategy", choices=Campaign.Strategy.values)
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--url", default=f"http://127.0.0.1:{settings.PORT}")
        parser.add_argument("--pace", type=float, default=0, help="modelled seconds per real one")
        parser.add_argument("--no-wait", action="store_true", help="do not wait for decisions")
        parser.add_argument("--json", type=Path, required=True, help="events, one a line")
        parser.add_argument("--table", type=Path, help="the final table as Markdown")
        parser.add_argument("--png", type=Path, help="the learning curve")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the readers, measure every champion on all held-out images, report."""
        campaign = Campaign.objects.filter(slug=options["campaign"]).first()
        if campaign is None:
            raise CommandError(f"There is no campaign {options['campaign']!r}.")
        if options["strategy"]:
            Campaign.objects.filter(pk=campaign.pk).update(strategy=options["strategy"])
        logins = [
            account(campaign, f"sim-reader-{number + 1}", Role.READER)
            for number in range(options["readers"])
        ]
        manager = account(campaign, "sim-manager", Role.MANAGER)
        hand = Hand(jitter_pixels=NOISE_PIXELS if options["noise"] else 0.0)
        with options["json"].open("w") as output:
            shared = Shared(
                campaign=campaign.slug, budget=options["budget"], reference=references(campaign),
                output=output, hand=hand, seed=options["seed"], pace=options["pace"],
                wait=not options["no_wait"],
            )  # fmt: skip
            seconds = simulate(options["url"], logins, manager, shared)
            connection.close()  # it may have died with the database while the readers went on
            cases = held_out(campaign, shared.reference)
            champions = champions_measured(campaign, cases)
            for row in champions:
                shared.log("final", **row)
            baseline = baseline_report(campaign, cases)
            shared.log("baseline", **baseline)
            double = duplicates(shared.events, campaign.readers_per_task)
            found = report.summary(shared.events, champions, double, seconds)
            output.write(json.dumps({"summary": found}) + "\n")
        text = report.table(shared.events, champions, baseline, found)
        self.stdout.write(text)
        if options["table"]:
            options["table"].write_text(text + "\n")
        report.curve(champions, baseline, options["png"] or options["json"].with_suffix(".png"))
