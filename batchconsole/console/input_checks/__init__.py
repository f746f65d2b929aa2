"""Input checks: the panel that other pages show, a page of its own, the report as CSV."""
