from django.db import migrations, models


class Migration(migrations.Migration):
    """`language` was never offered to anybody: it is one of the preferences now."""

    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="preferences",
            field=models.JSONField(blank=True, default=dict, editable=False),
        ),
        migrations.RemoveField(model_name="user", name="language"),
    ]
