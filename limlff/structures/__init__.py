"""Structures of the studies: lattices, voids, slabs."""
