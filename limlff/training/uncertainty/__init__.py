"""Uncertainty that is fitted to training frames: members, grade, calibration; errors beside it."""
