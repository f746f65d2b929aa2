"""Input before it is a job: checks, making it from tables, splitting and merging it, prompt templates."""
