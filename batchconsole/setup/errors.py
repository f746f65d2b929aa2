"""The set-up's error class."""


class SetupError(Exception):
    """A problem that the user at the terminal has to fix; the message is a full sentence for them."""
