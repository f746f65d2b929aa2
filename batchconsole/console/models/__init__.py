"""The pages of the model catalog, and the model picker that other pages show."""
