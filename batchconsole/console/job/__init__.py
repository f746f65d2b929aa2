"""The page of one job: its tabs, downloads, tags, stop, release and resend."""
