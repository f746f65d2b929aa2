"""The pages that make batch input of a table."""
