"""Checks that any potential must pass, for the tests of limlff and for those who bring a model."""

from limlff.testing.checks import ALL_CHECKS, Check, check_potential
from limlff.testing.examples import Bench, example_structures

__all__ = ["ALL_CHECKS", "Bench", "Check", "check_potential", "example_structures"]
