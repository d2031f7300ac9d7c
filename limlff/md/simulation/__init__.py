"""A simulation in memory: the compiled loop, accepted states, events."""
