"""The page of an input that is split into several jobs: its progress, its jobs, and their joined answers."""
