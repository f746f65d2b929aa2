"""The JSON API, ``/api/v1/``: the verbs of the pages for programs that speak no dialect of somebody else's."""
