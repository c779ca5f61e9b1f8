"""`manage.py demo`: the demo accounts and campaigns. Safe to run again."""

import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from annotations import campaigns
from annotations.join import import_create, import_now
from annotations.models import Campaign
from reticle.accounts.models import User
from reticle.accounts.roles import Role
from reticle.config.demo_set import BRAIN_MRI, DICOM_SAMPLES, PASSWORD
from reticle.demo.cohort import make_cohort

PEOPLE = {"reader": {Role.READER}, "reviewer": {Role.REVIEWER}, "manager": {Role.MANAGER}}
SAMPLE_FILES = ("CT_small.dcm", "693_J2KI.dcm", "MR_small.dcm", "examples_overlay.dcm")


class Command(BaseCommand):
    """Create what is missing of the demo."""

    help = "Load the demo accounts and campaigns (a made-up MRI cohort, a few DICOM files)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Create people, then each campaign that is not there."""
        people = {name: self._person(name) for name in PEOPLE}
        if not Campaign.objects.filter(slug=BRAIN_MRI).exists():
            self.stdout.write("Making the demo cohort ...")
            self._brain_mri(people)
        if not Campaign.objects.filter(slug=DICOM_SAMPLES).exists():
            self._dicom_samples(people)

    def _person(self, name: str) -> User:
        user, created = User.objects.get_or_create(
            username=name, defaults={"first_name": "Demo", "last_name": name}
        )
        if created:
            user.set_password(PASSWORD)
            user.save()
        return user

    def _brain_mri(self, people: dict[str, User]) -> None:
        folder = settings.DATA_FOLDER / "demo" / "cohort"
        shutil.rmtree(folder, ignore_errors=True)
        make_cohort(folder, patients=12)
        campaign = self._campaign(
            people,
            slug=BRAIN_MRI,
            name="Brain MRI: tissue and lesions",
            description="Outline grey matter, white matter and lesions on axial T1 slices. "
            "The images are derived from the MNI152 template; no real patient is shown.",
            classes=[{"name": "grey"}, {"name": "white"}, {"name": "lesion"}],
            # For two cores: a run ends within two minutes, and each goes on from the last one.
            training={
                "preset": "small",
                "minimum_steps": 800,
                "seconds": 120,
                "minimum_total": 12,
                "minimum_new": 12,
                "minimum_held_out": 3,
                "cooldown_seconds": 0,
                "scratch_growth": 0,
                # Few slices show a lesion, and lesions may lie anywhere.
                "recipe": {"augment": {"paste": 0.5}},
            },
        )
        self._import(campaign, people["manager"], folder)

    def _dicom_samples(self, people: dict[str, User]) -> None:
        from pydicom.data import get_testdata_file

        folder = settings.DATA_FOLDER / "demo" / "dicom"
        folder.mkdir(parents=True, exist_ok=True)
        for name in SAMPLE_FILES:
            found = get_testdata_file(name, download=False)
            if found is not None:
                shutil.copyfile(str(found), folder / name)
        campaign = self._campaign(
            people,
            slug=DICOM_SAMPLES,
            name="DICOM samples",
            description="A few of pydicom's own test files: CT and MR. Nothing is labelled.",
            classes=[{"name": "finding"}],
            training={"enabled": 0},
        )
        self._import(campaign, people["manager"], folder)

    def _campaign(self, people: dict[str, User], **fields: Any) -> Campaign:
        campaign = campaigns.campaign_create(actor=people["manager"], **fields)
        for name, roles in PEOPLE.items():
            campaigns.member_set(
                actor=people["manager"], campaign=campaign, user=people[name], roles=roles
            )
        return campaigns.campaign_set_state(
            actor=people["manager"], campaign=campaign, state=Campaign.State.OPEN
        )

    def _import(self, campaign: Campaign, actor: User, folder: Path) -> None:
        from annotations.management.commands.import_images import files_below

        row = import_now(
            import_create(
                campaign=campaign, actor=actor, source="command", files=files_below([folder])
            )
        )
        self.stdout.write(f"{campaign.slug}: {campaign.tasks.count()} cases {row.intake.error}")
