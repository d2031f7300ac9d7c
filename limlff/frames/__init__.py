"""DFT frames: readers, checks, splits, store."""
