"""The rights of people and programs: who may do what on which connection."""
