"""The catalogue of models as pages, and the picker that other pages show."""
