"""The frame of every page: middleware, navigation, home, help, session, preferences, health."""
