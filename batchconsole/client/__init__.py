"""A command-line client of the JSON API for pipelines. Standard library only, so it runs wherever Python does."""
