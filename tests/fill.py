"""Fill a fresh installation for tests: the demo people and a small cohort."""

import json
import sys
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402

from annotations import campaigns  # noqa: E402
from annotations.join import import_create, import_now  # noqa: E402
from annotations.management.commands.import_images import files_below  # noqa: E402
from annotations.models import Campaign  # noqa: E402
from reticle.config.management.commands import demo  # noqa: E402
from reticle.demo.cohort import make_cohort  # noqa: E402


def main(options: dict[str, object]) -> None:
    people = {name: demo.Command()._person(name) for name in demo.PEOPLE}
    folder = Path(settings.DATA_FOLDER) / "cohort"
    make_cohort(
        folder, patients=int(str(options["patients"])), slices=int(str(options["slices"])),
        size=int(str(options["size"])),
    )  # fmt: skip
    manager = people["manager"]
    made = campaigns.campaign_create(
        actor=manager, slug="brain-mri", name="Brain MRI", training=options["training"],
        classes=[{"name": "grey"}, {"name": "white"}, {"name": "lesion"}], blind_share=0.0,
        suggestion_dice=0.3,
    )  # fmt: skip
    for name, roles in demo.PEOPLE.items():
        campaigns.member_set(actor=manager, campaign=made, user=people[name], roles=roles)
    row = import_create(campaign=made, actor=manager, source="command", files=files_below([folder]))
    import_now(row)
    campaigns.campaign_set_state(actor=manager, campaign=made, state=Campaign.State.OPEN)


main(json.loads(sys.argv[1]))
