"""The list of jobs: its filter, columns, look, saved views and export."""
