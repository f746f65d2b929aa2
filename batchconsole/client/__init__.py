"""The command for pipelines: a client of the JSON API. Standard library only, so that it runs wherever Python does."""
