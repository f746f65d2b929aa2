"""The JSON API, ``/api/v1/``: the actions of the pages, for programs that use no other provider's API."""
