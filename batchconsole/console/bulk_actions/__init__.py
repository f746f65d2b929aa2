"""Stopping, holding and archiving jobs: the confirmation, the bulk action, and the pages that follow it."""
