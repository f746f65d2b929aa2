"""The locations from which a connection lets jobs read their input."""

from batchconsole.jobs.models import Connection, MadeInput
from batchconsole.jobs.rights.access import require_places


def require_input(connection: Connection, input_s3_uri: str) -> None:
    """Raise NotAllowed unless jobs may read *input_s3_uri*.

    Input that the console wrote to resend records lies beside the output of their job and is always allowed.
    """
    if not connection.input_prefixes:
        return
    resends = MadeInput.objects.filter(connection=connection, resend_of__isnull=False)
    if not resends.filter(output_s3_uri=input_s3_uri).exists():
        require_places(connection, input=input_s3_uri)
