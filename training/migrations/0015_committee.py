from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("training", "0014_unmeasured"),
    ]

    operations = [
        migrations.AddField(
            model_name="modelversion",
            name="committee",
            field=models.JSONField(
                default=dict,
                help_text="{sha256, members} or why there is none: see training.committee",
            ),
        ),
    ]
