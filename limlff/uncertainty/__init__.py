"""How far a potential can be trusted: spread of an ensemble of readouts, extrapolation grade."""

from limlff.uncertainty.assess import Assessment, assess, available

__all__ = ["Assessment", "assess", "available"]
