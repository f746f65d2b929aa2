"""The interface for programs: the same actions as on the pages, in the dialects of API clients. Knows no pages."""
