"""The models in the Django administration, one module for each noun."""
