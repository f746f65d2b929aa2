"""The on-demand lane: jobs whose records a worker sends one by one, instead of AWS running them as a batch."""
