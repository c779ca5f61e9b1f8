"""Suggestions of answers; campaigns of questions had the network of those that draw."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def fitting_networks(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Name a classifier where a U-Net stands in the policy of a campaign that draws nothing."""
    rows = apps.get_model("annotations", "Campaign").objects.filter(kind="classification")
    for row in rows.exclude(training__preset__in=["classifier", "resnet"]):
        row.training = {**row.training, "preset": "classifier"}
        row.save(update_fields=["training"])


class Migration(migrations.Migration):
    dependencies = [
        ("annotations", "0007_occlusion"),
    ]

    operations = [
        migrations.AddField(
            model_name="suggestion",
            name="findings",
            field=models.JSONField(
                default=dict, help_text="answers by question name; nothing is drawn then"
            ),
        ),
        migrations.RunPython(fitting_networks, migrations.RunPython.noop),
    ]
