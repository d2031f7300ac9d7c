"""A run in its folder: from its start or a checkpoint to its end."""
