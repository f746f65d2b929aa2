"""What stands round every page: middleware, navigation, home, help, sign-in, preferences, health."""
