"""The pages of comparisons: one input answered by several models, side by side, with marks of the better answers."""
