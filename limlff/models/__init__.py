"""Architectures: per-atom energies from neighbor vectors."""
