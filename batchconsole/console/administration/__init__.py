"""What the Django administration shows, a module for each noun."""
