"""The one error of `up`."""


class UpError(Exception):
    """Why `up` does not start or go on; the text is one full sentence for the person at the terminal."""
