from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("training", "0015_committee"),
    ]

    operations = [
        migrations.AddField(
            model_name="evaluation",
            name="summary",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Func(
                    models.F("report"),
                    template="(%(expressions)s - '{cases,patients,shapes}'::text[])",
                ),
                help_text="the report without its rows of cases and patients, which are most of it",
                output_field=models.JSONField(),
            ),
        ),
    ]
