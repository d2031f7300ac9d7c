"""What the worker of a calculation makes of calculators that do not do as they should."""

from __future__ import annotations

import json

import numpy as np
import pytest

from limlff.learning.label_worker import calculate, main
from limlff.strict_json import parse_json


def job(frame, name: str, **settings) -> dict:
    return {
        "numbers": frame.numbers.tolist(),
        "positions": frame.positions.tolist(),
        "cell": frame.cell.tolist(),
        "periodic": frame.periodic.tolist(),
        "calculator": {"class": f"labellers:{name}", **settings},
    }


@pytest.mark.parametrize(
    ("word", "passes"),
    [
        ("numpy", False),
        ("array", False),
        ("method", False),
        ("yes", True),
        ("none", True),
        ("other", True),
    ],
)
def test_a_calculator_says_by_any_value_or_method_that_it_did_not_converge(frame, word, passes):
    found = calculate(job(frame, "Saying", word=word))
    assert found.get("failure") == (None if passes else "unconverged")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"by": 0.05}, "moved atoms by up to 0.05 Å"),
        ({"by": float("nan")}, "moved atoms by up to nan Å"),
        ({"by": 0.01, "what": "cell"}, "changed the cell"),
    ],
)
def test_labels_of_another_structure_are_no_labels(frame, change, words):
    found = calculate(job(frame, "Moving", **change))
    assert found["failure"] == "implausible" and words in found["reason"]


def test_whole_vectors_of_the_cell_move_nothing(frame):
    whole = calculate(job(frame, "Moving", by=float(frame.cell[2, 2])))
    assert whole["forces"] == calculate(job(frame, "Moving", by=0.0))["forces"]


def test_forces_that_are_no_numbers_are_an_error(frame):
    found = calculate(job(frame, "OddForces", rows="some"))
    assert found["failure"] == "error" and "could not convert" in found["reason"]


def test_the_result_is_written_where_it_was_asked_for(frame, tmp_path, monkeypatch):
    """A calculator that goes to another folder takes nothing along."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job.json").write_text(json.dumps(job(frame, "Elsewhere")))
    main("job.json", "result.json")
    found = parse_json((tmp_path / "result.json").read_bytes())
    assert np.shape(found["forces"]) == (4, 3)
