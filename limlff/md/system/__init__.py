"""Atoms of a run: their structure, what is checked of it, and the state that a step changes."""
