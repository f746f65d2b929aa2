"""Why an object is not written: it is empty, there is one already, or jobs read it."""

from batchconsole.aws.s3 import S3Object
from batchconsole.jobs.errors import UserError


class EmptyFile(UserError):
    """The file is empty, which must be a mistake."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is empty: there is nothing in it to upload.", "file", "Check the file.")


class ObjectExists(UserError):
    """An object of that name exists and the user has not chosen to replace it; ``item`` is the existing object."""

    def __init__(self, name: str, item: S3Object) -> None:
        super().__init__(f"{name} exists already.", "file", "Choose to replace it, or upload under another name.")
        self.item = item


class ObjectInUse(UserError):
    """Jobs that have not ended read the object, so it must stay as it is."""

    def __init__(self, names: str) -> None:
        super().__init__(f"Jobs that have not ended read this object: {names}.", "", "Wait for them, or stop them.")
