"""What a program sees: the same verbs as on the pages, in the dialects that programs speak. Knows no page."""
