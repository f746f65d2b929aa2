"""Usage and cost."""
