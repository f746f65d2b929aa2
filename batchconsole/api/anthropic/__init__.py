"""Anthropic's Message Batches, for its SDK, on one connection: ``/anthropic/<connection>/v1/messages/batches``."""
