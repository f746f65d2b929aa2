"""Job templates: the list, saving a job as one, and deleting one. The create form opens and changes them."""
