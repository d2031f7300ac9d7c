"""Where the tasks of a campaign run: on this machine, or on workers that Parsl starts."""
