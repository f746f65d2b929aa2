"""Input checks: the panel on other pages, the check's own page, and the report as CSV."""
