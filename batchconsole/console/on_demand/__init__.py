"""The pages of the on-demand lane: a job on demand told its cost first, and the rest of a batch job on demand."""
