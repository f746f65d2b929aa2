"""Stopping jobs: the question, the bulk action it becomes, and the pages that follow it."""
