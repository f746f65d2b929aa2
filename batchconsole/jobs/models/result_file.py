"""Where the records of an output file begin."""

from typing import ClassVar

from django.db import models

from batchconsole.jobs.models.job import BatchJob


class ResultFile(models.Model):
    """One output file of an ended job and where its records begin, so that any page of it is one ranged read."""

    job = models.ForeignKey(BatchJob, on_delete=models.CASCADE, related_name="result_files")
    key = models.CharField(max_length=1024)
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    etag = models.CharField(max_length=100, help_text="The version of the object the offsets are of.")
    record_count = models.PositiveBigIntegerField()
    error_count = models.PositiveBigIntegerField()
    offsets = models.BinaryField(help_text="Where records begin: see jobs/offsets.py.")
    error_offsets = models.BinaryField(help_text="Where records with an error begin.")

    class Meta:
        ordering: ClassVar = ["key"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "key"], name="result_file_unique")]

    def __str__(self) -> str:
        return self.key
