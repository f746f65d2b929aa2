"""The job list: filter, columns, table preferences, saved views and export."""
