"""Ensembles: integrators at constant volume and the barostat."""
