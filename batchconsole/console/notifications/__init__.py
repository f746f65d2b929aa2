"""Notifications: the channels of a person or of a connection, and what was sent to them."""
