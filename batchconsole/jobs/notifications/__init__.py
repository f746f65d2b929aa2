"""Telling people and programs what happens: channels and their verbs, messages, and sending them at least once."""
