"""Analysis of trajectories: local order, voids, mobility."""
