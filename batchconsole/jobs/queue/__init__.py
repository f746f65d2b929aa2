"""The queue in front of AWS: limits and quotas, whose turn it is, places, and what holds a job."""
