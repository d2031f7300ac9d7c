"""What a run writes: trajectory, thermo table, checkpoints, cut-out cells, and its folder."""
