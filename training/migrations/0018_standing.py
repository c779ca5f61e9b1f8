from typing import Any

from django.db import migrations

from training import figures, paired
from training.curve import VERSIONS, chosen


def keep_means(apps: Any, schema_editor: Any) -> None:
    """Keep with each evaluation its one mean, and with each campaign that of its live model."""
    evaluations = apps.get_model("training", "Evaluation").objects
    for row in evaluations.only("report").iterator():
        row.report["standing"] = paired.standing(row.report)
        row.save(update_fields=["report"])
    for campaign in apps.get_model("annotations", "Campaign").objects.filter(
        champion__isnull=False
    ):
        crowned = campaign.models.filter(champion_since__isnull=False).order_by("-champion_since")
        able = [model for model in crowned[:VERSIONS] if not model.unmeasured]
        kept = {
            model.pk: dict(model.evaluations.order_by("id").values_list("snapshot_id", "pk"))
            for model in able
        }
        lists = chosen(kept)
        live = next((model for model in able if model.state == "champion"), None)
        if live is None or live.pk not in lists:
            continue
        found = evaluations.get(pk=kept[live.pk][lists[live.pk]]).report
        standing = figures.standing_of(found)
        score = "dice" if figures.metric_of(found) == "dice" else "accuracy"
        ends = {name: standing[name] for name in ("low", "high")}
        campaign.champion = {**campaign.champion, score: standing["score"], **ends}
        campaign.save(update_fields=["champion"])


class Migration(migrations.Migration):
    dependencies = [
        ("annotations", "0011_changed_answers"),
        ("training", "0017_replaced"),
    ]

    operations = [migrations.RunPython(keep_means, migrations.RunPython.noop)]
