"""The checks of a job in state Validating: assume the role, read the whole input once and apply every limit."""

import hashlib
from collections.abc import Iterator

from batchconsole.localbedrock.jobs import InputFile, Job
from batchconsole.localbedrock.lines import Line, LineTooLong, NotARecord, read_lines
from batchconsole.localbedrock.patience import Patience
from batchconsole.localbedrock.record_formats import format_of
from batchconsole.localbedrock.settings import Settings
from batchconsole.localbedrock.storage import RoleRefused, S3Object, Storage, StorageRefused
from batchconsole.records import catalogue

# The input of jobs for these models may be twenty times as large (Service Quotas, 2025).
LARGE_JOB_MODELS = ("amazon.nova-lite", "amazon.nova-pro")
LARGE_JOB_FACTOR = 20
CHECK_EVERY = 1000


class InputRefused(Exception):
    """The job fails with this message; the errors of OpenAI's batches also show *code* and *line*."""

    def __init__(self, message: str, *, code: str = "invalid_request", line: int | None = None) -> None:
        super().__init__(message)
        self.failure = {"code": code, "line": line}


def check_input(job: Job, storage: Storage, settings: Settings, patience: Patience) -> list[InputFile]:
    """Check *job* and return its input files with their record counts. Raises :class:`InputRefused`."""
    try:
        objects = list(_objects(storage))
        _check_sizes(job, objects, settings)
        checker = _Checker(job, storage, settings, patience)
        files = [checker.check_file(number, item) for number, item in enumerate(objects)]
    except RoleRefused as error:
        raise InputRefused(
            f"Could not assume the service role {job.role_arn}. Check that it exists and that its trust "
            f"policy lets bedrock.amazonaws.com assume it for this job. ({error})"
        ) from error
    except StorageRefused as error:
        raise InputRefused(_no_access("GetObject", storage.input_bucket, storage.input_key)) from error
    _check_counts(job, files, settings)
    _check_output(files[0], storage)
    return files


def _no_access(action: str, bucket: str, key: str) -> str:
    return f"Could not validate {action} permissions to access Amazon S3 bucket: {bucket} at key {key}"


def _objects(storage: Storage) -> Iterator[S3Object]:
    """Yield the input file, or the ``.jsonl`` objects of the input folder, which may contain ``.out`` objects too."""
    if not storage.is_folder:
        yield storage.head(storage.input_key)
        return
    folder = storage.input_key.rstrip("/")
    yield from (item for item in storage.list_objects(f"{folder}/" if folder else "") if item.key.endswith(".jsonl"))


def _check_sizes(job: Job, objects: list[S3Object], settings: Settings) -> None:
    if not objects:
        raise InputRefused(f"No .jsonl file was found in the input location {job.input['s3Uri']}")
    for item in objects:
        if item.size > settings.max_file_bytes:
            raise InputRefused(
                f"The input file {item.key} has {item.size} bytes, more than the maximum of "
                f"{settings.max_file_bytes} bytes per file"
            )
    model = catalogue.bare_id(job.base_model_id)
    limit = settings.max_job_bytes * (LARGE_JOB_FACTOR if model.startswith(LARGE_JOB_MODELS) else 1)
    total = sum(item.size for item in objects)
    if total > limit:
        raise InputRefused(f"The input has {total} bytes, more than the maximum of {limit} bytes per job")


class _Checker:
    """Checks every record of a job's files."""

    def __init__(self, job: Job, storage: Storage, settings: Settings, patience: Patience) -> None:
        self._storage = storage
        self._settings = settings
        self._patience = patience
        self._records = format_of(job)
        self._named: set[bytes] = set()  # digests of the ids that must be unique

    def check_file(self, number: int, item: S3Object) -> InputFile:
        """Check *item* and return it as a file of the job. Raises :class:`InputRefused` or :class:`RoleRefused`."""
        try:
            records = self._count(item)
        except LineTooLong as error:
            raise InputRefused(f"The input file {item.key} is malformed. {error}") from error
        except RoleRefused:
            raise
        except StorageRefused as error:
            raise InputRefused(_no_access("GetObject", self._storage.input_bucket, item.key)) from error
        limit = self._settings.max_records_per_file
        if records > limit:
            raise InputRefused(
                f"The input file {item.key} contains more records ({records}) than the allowed maximum of: {limit}"
            )
        key = self._storage.output_key(item.key)
        return InputFile(number=number, key=item.key, output_key=key, size=item.size, etag=item.etag, records=records)

    def _count(self, item: S3Object) -> int:
        """Check every record of *item* and return the number of records."""
        records = 0
        for line in read_lines(self._storage.read(item), limit=self._settings.max_record_bytes):
            self._check_line(line, item)
            records += 1
            if records % CHECK_EVERY == 0:
                self._patience.check()
        return records

    def _check_line(self, line: Line, item: S3Object) -> None:
        try:
            record = self._records.read(line.data, line.number)
            if self._records.errors_apart:
                self._check_unique(str(record.identifier))
        except NotARecord as error:
            what = "" if error.code else " is not a JSON object with a modelInput"
            raise InputRefused(
                f"The input file {item.key} is malformed. Line {line.number}{what}: {error}",
                code=error.code or "invalid_request",
                line=line.number,
            ) from error

    def _check_unique(self, custom_id: str) -> None:
        digest = hashlib.blake2b(custom_id.encode(errors="surrogatepass"), digest_size=12).digest()
        if digest in self._named:
            raise NotARecord(f"custom_id {custom_id!r} is that of another line too", code="duplicate_custom_id")
        self._named.add(digest)


def _check_counts(job: Job, files: list[InputFile], settings: Settings) -> None:
    total = sum(file.records for file in files)
    if total < settings.min_records_per_job:
        raise InputRefused(
            f"Batch job {job.arn} contains less records ({total}) than the required minimum of: "
            f"{settings.min_records_per_job}"
        )
    if total > settings.max_records_per_job:
        raise InputRefused(
            f"Batch job {job.arn} contains more records ({total}) than the allowed maximum of: "
            f"{settings.max_records_per_job}"
        )


def _check_output(first: InputFile, storage: Storage) -> None:
    """Check the write permission by starting an upload of the first output, which leaves nothing visible in S3.

    If S3 does not let the role abort the upload, the output itself uses it.
    """
    try:
        upload_id = storage.start_upload(first.output_key)
    except StorageRefused as error:
        raise InputRefused(_no_access("PutObject", storage.output_bucket, first.output_key)) from error
    if not storage.abort_upload(first.output_key, upload_id):
        first.upload_id = upload_id
