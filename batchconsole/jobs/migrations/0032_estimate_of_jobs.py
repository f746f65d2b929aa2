from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("jobs", "0031_index_of_costs"),
    ]

    operations = [
        migrations.AddField(
            model_name="batchjob",
            name="estimate_usd",
            field=models.DecimalField(
                decimal_places=6,
                editable=False,
                help_text="The highest cost by which budgets judged it, until its own input check knows better.",
                max_digits=14,
                null=True,
            ),
        ),
    ]
