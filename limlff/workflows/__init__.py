"""Studies from structure to report."""
