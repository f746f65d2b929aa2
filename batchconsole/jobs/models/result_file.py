"""A job's output as it was read: its files, and the position of each record."""

from array import array
from typing import ClassVar

import msgspec
from django.db import models
from django.utils import timezone

from batchconsole.jobs.models.job import BatchJob
from batchconsole.records.index import Index, Numbers
from batchconsole.records.results import Totals


class ResultFile(models.Model):
    """One output object of an ended job, in the version that was read."""

    job = models.ForeignKey(BatchJob, on_delete=models.CASCADE, related_name="result_files")
    name = models.CharField(max_length=1024, help_text="Within the job's output folder.")
    key = models.CharField(max_length=1024, help_text="In the output bucket.")
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    etag = models.CharField(max_length=100)

    class Meta:
        verbose_name = "output file"
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "name"], name="result_file_unique")]

    def __str__(self) -> str:
        return self.name


class ResultIndex(models.Model):
    """The outcome of one pass over all output files of a job: totals, and the position of every record."""

    job = models.OneToOneField(BatchJob, on_delete=models.CASCADE, primary_key=True, related_name="result_index")
    read_at = models.DateTimeField(default=timezone.now, db_index=True)
    # Text instead of JSON: AWS's messages may quote a prompt's U+0000, which PostgreSQL's JSON refuses.
    totals_json = models.TextField()
    packed = models.BinaryField(help_text="The places of the records, as records/index.py packs them.")
    inputs_packed = models.BinaryField(
        default=b"",
        help_text="The places of the input's records, those without an output as errors; empty: not looked.",
    )
    input_order_packed = models.BinaryField(
        default=b"", help_text="The positions of the records in the order of the input; empty: not known."
    )

    def __str__(self) -> str:
        return str(self.job)

    @property
    def totals(self) -> Totals:
        """The totals over all records, with errors grouped by message."""
        return msgspec.json.decode(self.totals_json, type=Totals)

    @property
    def index(self) -> Index:
        """The position of every record."""
        return Index.unpack(bytes(self.packed))

    @property
    def input_order(self) -> Numbers:
        """The positions of all records in the order of the input; empty if the order is not known."""
        order: Numbers = array("I")
        order.frombytes(bytes(self.input_order_packed))
        return order

    @property
    def inputs(self) -> Index:
        """The position of every input record; records without an output count as errors."""
        return Index.unpack(bytes(self.inputs_packed)) if self.inputs_packed else Index()
