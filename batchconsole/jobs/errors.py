"""The errors that the domain raises, above all for problems that a person can fix."""


class UserError(Exception):
    """The request cannot be carried out, and the person who made it can fix that.

    ``field`` is the API field, in snake case, that the message is about; empty for the whole request. ``hint`` says
    what to do. Failures of AWS are :class:`batchconsole.aws.errors.AwsError`, which has the same ``message`` and
    ``hint``.
    """

    def __init__(self, message: str, field: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.hint = hint

    @property
    def code(self) -> str:
        """Always empty: only errors from AWS have a code."""
        return ""

    @property
    def operation(self) -> str:
        return ""

    @property
    def retryable(self) -> bool:
        """Always false: a person has to change something first."""
        return False

    def as_dict(self) -> dict[str, str]:
        """Return the error in the shape of :meth:`AwsError.as_dict`."""
        return {"message": self.message, "hint": self.hint, "code": "", "operation": ""}


class NotAllowed(UserError):
    """The user may not do this here; the message says why, such as a missing right, and the hint says what to do."""

    def __init__(self, message: str, hint: str, *, field: str = "") -> None:
        super().__init__(message, field, hint)


class IllegalTransition(ValueError):
    """The state machine has no such transition, or another process changed the state first."""
