"""Notifications to people and programs: channels, messages, and delivery at least once."""
