"""Figures as text: what is missing is a dash, what is infinite stays so."""

from __future__ import annotations

import math

import numpy as np
import pytest

from limlff.numbers_as_text import counted, figure


@pytest.mark.parametrize("missing", [None, math.nan, np.float32("nan"), "0.3", [1.0], {}, True])
def test_missing_figure_is_a_dash(missing):
    assert figure(missing, ".2f") == "-"
    assert figure(missing, ".2f", 1e3, " meV") == "-"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123, "12.3 meV"), (0, "0.0 meV"), (np.float32(0.5), "500.0 meV"), (math.inf, "inf meV")],
)
def test_figure_is_scaled_and_has_its_unit(value, text):
    assert figure(value, ".1f", 1e3, " meV") == text


def test_one_is_not_many():
    assert [counted(n, "run") for n in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]
