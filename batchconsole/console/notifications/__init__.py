"""Notifications: the channels of a user or of a connection, and what was sent to them."""
