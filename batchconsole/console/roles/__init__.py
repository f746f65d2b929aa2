"""What a service role may do, and the documents of a new one; shown by the create page."""
