"""The pages of one job: its tabs, downloads, tags, and the stop, release and resend actions."""
