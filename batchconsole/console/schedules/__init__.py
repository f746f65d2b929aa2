"""Schedules: the list, and one schedule with its runs or the files of its folder. The create page has the form."""
