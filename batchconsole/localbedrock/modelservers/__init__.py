"""The models behind the service: ``echo``, or any OpenAI-compatible server."""
