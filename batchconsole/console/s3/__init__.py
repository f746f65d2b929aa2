"""Buckets, folders and objects as pages, and the chooser that other pages show."""
