"""Finding jobs: the properties of the filter, what they mean in SQL, and the index of names and tags."""
