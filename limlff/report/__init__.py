"""Reports: one self-contained HTML page and one JSON per run."""
