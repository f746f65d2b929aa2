"""The error of `up`."""


class UpError(Exception):
    """The reason why `up` cannot start or continue, as one full sentence for the person at the terminal."""
