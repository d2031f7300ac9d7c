"""Energies, forces and virials of a potential."""
