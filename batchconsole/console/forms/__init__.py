"""The console's forms. A form owns its fields, their order and every rule; AWS's rules are read from its API model."""
