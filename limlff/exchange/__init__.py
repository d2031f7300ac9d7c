"""Potentials of other codes: their files read into and written from a `Potential`."""
