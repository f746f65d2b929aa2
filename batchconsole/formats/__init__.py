"""Date and time formats of Django's own pages, the same as in the console."""
