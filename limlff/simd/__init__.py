"""Compiled code that runs without Python: registers of lanes, threads, calls from XLA and NumPy.

Knows no physics; `limlff.kernels` and `limlff.neighbors` are written in it.
"""
