"""The user's own account: signing in and out, password, second factors, sessions and API keys."""
