"""Names of the files in the folder of a run."""

THERMO = "thermo.csv"
TRAJECTORY = "trajectory.h5"
EXTENDED_XYZ = "trajectory.extxyz"
CHECKPOINTS = "checkpoints"
ACCEPTED = "accepted.json"  # beside the checkpoints
SUMMARY = "summary.json"
FINAL = "final.extxyz"
CONFIG = "md.yaml"
OFFENDING = "offending.extxyz"
EXTRAPOLATION = "extrapolation.extxyz"
