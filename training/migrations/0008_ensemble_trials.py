from typing import Any

from django.db import migrations


def measured_again(apps: Any, schema_editor: Any) -> None:
    """Forget trials of ensembles: they were of the first member alone. Made anew when idle."""
    models = apps.get_model("training", "ModelVersion").objects
    models.filter(card__has_key="members").update(robustness={})


class Migration(migrations.Migration):
    dependencies = [("training", "0007_origins")]

    operations = [migrations.RunPython(measured_again, migrations.RunPython.noop)]
