from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("annotations", "0002_insert_only")]

    operations = [
        migrations.AddField(
            model_name="annotation",
            name="suggestion_dice",
            field=models.FloatField(
                help_text="of all drawn classes together, against the suggestion", null=True
            ),
        ),
        migrations.AlterField(
            model_name="annotation",
            name="changed_pixels",
            field=models.PositiveIntegerField(
                help_text="against the suggestion; 0: accepted unedited", null=True
            ),
        ),
    ]
