"""Jobs that are created by themselves: schedules, their rules and runs, and watched folders."""
