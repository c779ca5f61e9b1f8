from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("training", "0013_variants"),
    ]

    operations = [
        migrations.AddField(
            model_name="modelversion",
            name="unmeasured",
            field=models.JSONField(
                default=dict,
                help_text="{snapshot, reason}: why it could not be measured on that held-out list",
            ),
        ),
    ]
