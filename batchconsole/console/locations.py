"""Whether S3 knows the places a job names. S3 away or access refused is no reason to refuse the form."""

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.console.forms.job import JobForm

NO_BUCKET = {"NoSuchBucket", "404", "NotFound"}


def check_locations(form: JobForm) -> list[AwsError]:
    """Add an error to each location that is not there; return what could not be found out."""
    doubts = []
    for name, must_hold_something in (("input_s3_uri", True), ("output_s3_uri", False)):
        uri = form.cleaned_data.get(name)
        if uri:
            try:
                _check(form, name, uri, must_hold_something=must_hold_something)
            except AwsError as error:
                doubts.append(error)
    return doubts


def _check(form: JobForm, name: str, uri: str, *, must_hold_something: bool) -> None:
    bucket, key = s3.parse_s3_uri(uri)
    try:
        found = s3.list_objects(form.connection.target, bucket, key, max_keys=1)
    except AwsError as error:
        if error.code not in NO_BUCKET:
            raise
        form.add_error(name, f"The bucket {bucket} does not exist.")
        return
    if must_hold_something and not (found.objects or found.folders):
        form.add_error(name, f"There is nothing at {uri}. Enter a .jsonl file, or a folder that holds some.")
