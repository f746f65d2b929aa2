from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0021_request_tokens'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='batchjob',
            index=models.Index(condition=models.Q(('error_record_count__gte', models.F('total_record_count'))), fields=['connection', 'status', '-created_at', '-id'], name='job_list_all_failed'),
        ),
    ]
