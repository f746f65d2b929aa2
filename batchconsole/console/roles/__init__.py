"""What a service role may do, and the policy documents of a new one; shown by the create page."""
