"""Guards: what a state must satisfy, the watch over the uncertainty, and what a stop leaves."""
