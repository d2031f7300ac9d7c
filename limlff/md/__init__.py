"""Molecular dynamics: ensembles, barostat, runner, trajectory."""
