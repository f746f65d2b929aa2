"""The overview of a connection."""
