"""The pages that make batch input from a table."""
