"""Energies, forces and virials of a potential: `predictor_for(potential, dtype).predict(...)`."""

from limlff.prediction.predictor import (
    Prediction,
    Predictor,
    formula_predictor_for,
    predictor_for,
)

__all__ = ["Prediction", "Predictor", "formula_predictor_for", "predictor_for"]
