"""Plating: a metal deposited on slabs of another, at one or more rates, and stripped again."""
