from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("training", "0012_scoring"),
    ]

    operations = [
        migrations.AddField(
            model_name="trainingrun",
            name="best",
            field=models.BooleanField(
                default=False, help_text="the variant that is chosen is trained on all labels"
            ),
        ),
        migrations.AddField(
            model_name="trainingrun",
            name="choice",
            field=models.JSONField(default=dict, help_text="see training.variants.choice_of"),
        ),
        migrations.AddField(
            model_name="trainingrun",
            name="variants",
            field=models.JSONField(
                default=list, help_text="[{name, preset, recipe, config}] that are cross-validated"
            ),
        ),
    ]
