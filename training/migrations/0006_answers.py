from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("training", "0005_ordered_by"),
    ]

    operations = [
        migrations.AddField(
            model_name="prediction",
            name="answers",
            field=models.JSONField(default=dict, help_text="probability by question and option"),
        ),
        migrations.AlterField(
            model_name="evaluation",
            name="mean_dice",
            field=models.FloatField(help_text="null where nothing is drawn", null=True),
        ),
        migrations.AlterField(
            model_name="prediction",
            name="packed",
            field=models.BinaryField(help_text="empty where nothing is drawn"),
        ),
        migrations.AlterField(
            model_name="snapshot",
            name="manifest",
            field=models.JSONField(
                help_text="{classes or questions, training: [...], held_out: [...]}"
            ),
        ),
    ]
