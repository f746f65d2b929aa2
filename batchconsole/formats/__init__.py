"""How Django's own pages write dates and times: as the console does."""
