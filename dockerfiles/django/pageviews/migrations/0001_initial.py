from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="PageView",
            fields=[
                ("number", models.BigIntegerField(editable=False, primary_key=True, serialize=False)),
                ("key", models.UUIDField(editable=False, null=True, unique=True)),
                ("served_by", models.CharField(max_length=64)),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("number__gt", 0)), name="number_counts_from_one")
                ],
            },
        ),
    ]
