from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotations", "0010_cold_start"),
    ]

    operations = [
        migrations.AddField(
            model_name="annotation",
            name="changed_answers",
            field=models.PositiveSmallIntegerField(
                help_text="of those that were suggested; 0: accepted unedited", null=True
            ),
        ),
    ]
