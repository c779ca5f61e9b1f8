"""Campaigns that exist keep the strategy they have."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotations", "0011_changed_answers"),
    ]

    operations = [
        migrations.AlterField(
            model_name="campaign",
            name="strategy",
            field=models.CharField(
                choices=[
                    ("random", "Random"),
                    ("foreground", "Foreground"),
                    ("least_confidence", "Least Confidence"),
                    ("margin", "Margin"),
                    ("entropy", "Entropy"),
                    ("bald", "Bald"),
                    ("variance", "Variance"),
                    ("disagreement", "Disagreement"),
                    ("power", "Power"),
                    ("softmax", "Softmax"),
                    ("class_balanced", "Class Balanced"),
                    ("stratified", "Stratified"),
                    ("core_set", "Core Set"),
                    ("k_means", "K Means"),
                    ("badge", "Badge"),
                ],
                default="class_balanced",
                max_length=20,
            ),
        ),
    ]
