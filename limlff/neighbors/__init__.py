"""Neighbor matrices: host and device builders, skin, capacities."""
