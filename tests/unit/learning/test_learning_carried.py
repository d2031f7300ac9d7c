"""Settings of a labeller that would not reach a calculation as they are."""

from __future__ import annotations

import datetime

import pytest
from labelling_cases import labeller

from limlff.config import parse_config
from limlff.errors import InputError
from limlff.learning.labeller import Labeller
from limlff.yaml_file import parse_yaml


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("{cutoff: .inf}", "settings.*cutoff is inf; take a finite number"),
        ("{cutoff: .nan}", "cutoff is nan"),
        ("{mixer: {beta: [0.1, -.inf]}}", "mixer.beta.1 is -inf"),
    ],
)
def test_values_that_json_would_change_are_refused(settings, words):
    for name in ("settings", "safer"):
        code = {"kind": "ase", "calculator_class": "emt", name: parse_yaml(settings, "page")}
        with pytest.raises(InputError, match=words.replace("settings", name)):
            parse_config({"code": code}, Labeller, "labeller")


def test_values_of_a_script_that_json_does_not_hold_are_refused():
    with pytest.raises(InputError, match=r"begin is datetime\.date.*take numbers, text"):
        labeller("emt", {"begin": datetime.date(2026, 1, 1)})
    with pytest.raises(InputError, match="setups is a section with the key 1"):
        labeller("emt", {"setups": {1: "paw"}})
    assert labeller("emt", {"sizes": [(1, 2), None, True, "a", 2.5]}).digest


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"environment": {"A=B": "1"}}, "environment.*'A=B' is no name of a variable"),
        ({"environment": {"": "1"}}, "'' is no name of a variable"),
        ({"environment": {"A": "1\0"}}, "environment.* holds a NUL character"),
        ({"environment": {"A\0": "1"}}, "environment.* holds a NUL character"),
        ({"environment": {"A": "\ud800"}}, "environment.* holds characters that no process takes"),
        ({"launcher": ["mpi\0exec"]}, "launcher.* holds a NUL character"),
        ({"python": "/no/py\0thon"}, "NUL"),
    ],
)
def test_words_that_no_process_can_be_started_with_are_refused(others, words):
    with pytest.raises(InputError, match=words):
        parse_config(others, Labeller, "labeller")
