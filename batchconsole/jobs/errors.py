"""The one error the domain raises for something a person can put right."""


class UserError(Exception):
    """What was asked for cannot be done, and the person who asked can do something about it.

    ``field`` is the API field in snake case the message belongs to, empty for the whole request. ``hint`` says what to
    do. Failures of AWS are :class:`batchconsole.aws.errors.AwsError`, which has the same ``message`` and ``hint``.
    """

    def __init__(self, message: str, field: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.hint = hint

    @property
    def code(self) -> str:
        """AWS did not say this, so it has no code."""
        return ""

    @property
    def operation(self) -> str:
        return ""

    @property
    def retryable(self) -> bool:
        """Somebody has to change something first."""
        return False

    def as_dict(self) -> dict[str, str]:
        """In the shape of :meth:`AwsError.as_dict`."""
        return {"message": self.message, "hint": self.hint, "code": "", "operation": ""}


class NotAllowed(UserError):
    """The person may not do this here; the message names the right that lacks, the hint who can grant it."""

    def __init__(self, message: str, hint: str, *, field: str = "") -> None:
        super().__init__(message, field, hint)


class IllegalTransition(ValueError):
    """The state machine has no such step, or somebody else took one first."""
