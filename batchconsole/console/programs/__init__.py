"""The page for developers: URLs, keys and examples for one connection."""
