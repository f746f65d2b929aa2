"""The page that creates a job."""
