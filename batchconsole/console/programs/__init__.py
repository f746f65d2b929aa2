"""What people who write programs need: addresses, keys and examples for one connection."""
