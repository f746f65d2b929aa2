"""The one error of the set-up."""


class SetupError(Exception):
    """Something the person at the terminal has to put right; the text is one full sentence for them."""
