"""Healing of a hole in a bcc metal, at one temperature and several pressures.

A hole is cut into a crystal; at each pressure molecular dynamics runs until the hole has closed or
time is up. What is measured in every frame: missing atoms, void volume, local order and mobility
near the hole and far from it.
"""
