from typing import Any

from django.db import migrations, models


def name_replaced(apps: Any, schema_editor: Any) -> None:
    """Rename models that a newer one replaced in the shadow: they were called rejected."""
    events = apps.get_model("audit", "AuditEvent").objects
    replaced = events.filter(action="model.shadow_replaced").values("target_id")
    # One that went live later and was left by a rollback has been rejected since.
    apps.get_model("training", "ModelVersion").objects.filter(
        pk__in=replaced, state="rejected", champion_since=None
    ).update(state="replaced")


def name_rejected(apps: Any, schema_editor: Any) -> None:
    found = apps.get_model("training", "ModelVersion").objects
    found.filter(state="replaced").update(state="rejected")


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_insert_only"), ("training", "0016_evaluation_summary")]

    operations = [
        migrations.AlterField(
            model_name="modelversion",
            name="state",
            field=models.CharField(
                choices=[
                    ("candidate", "Candidate"),
                    ("shadow", "Shadow"),
                    ("champion", "Champion"),
                    ("retired", "Retired"),
                    ("rejected", "Rejected"),
                    ("replaced", "Replaced"),
                ],
                default="candidate",
                max_length=10,
            ),
        ),
        migrations.RunPython(name_replaced, name_rejected),
    ]
