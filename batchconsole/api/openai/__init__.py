"""OpenAI's files and batches, for the openai SDK, on one connection: ``/openai/<connection>/v1/``."""
