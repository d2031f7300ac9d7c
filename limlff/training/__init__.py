"""Training of potentials: loss, loop, checkpoint, metrics."""
