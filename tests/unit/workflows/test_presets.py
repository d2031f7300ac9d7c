"""Presets lie over the settings of their file, and `--set` over both."""

from __future__ import annotations

import pytest

from limlff.errors import InputError
from limlff.workflows.healing.config import HealingConfig
from limlff.workflows.presets import load_with_preset

FILE = """
study: healing
repeats: [3, 3, 3]
hole: {missing_atoms: 4, shape: cuboid}
presets:
  small: {}
  large:
    repeats: [9, 9, 9]
    hole: {missing_atoms: 80}
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(FILE)
    return path


def load(path, preset=None, overrides=()):
    return load_with_preset(path, HealingConfig, preset, list(overrides))


def test_the_first_preset_is_taken_if_none_is_named(path):
    assert load(path).repeats == load(path, "small").repeats == (3, 3, 3)


def test_a_preset_changes_what_it_names_and_nothing_else(path):
    large = load(path, "large")
    assert large.repeats == (9, 9, 9)
    assert (large.hole.missing_atoms, large.hole.shape) == (80, "cuboid")


def test_single_settings_lie_over_the_preset(path):
    assert load(path, "large", ["hole.missing_atoms=7"]).hole.missing_atoms == 7


@pytest.mark.parametrize(
    ("text", "preset", "words"),
    [
        (FILE, "larg", "has no preset 'larg'; did you mean 'large'\\? it has small, large"),
        ("study: healing", "large", "has no presets; leave out --preset large"),
        ("study: healing\npresets: [a]", None, "key 'presets' must hold names"),
        ("study: healing\npresets: {}", None, "key 'presets' must hold names"),
        ("study: healing\npresets: {a: 3}", "a", "preset 'a' must be a name with settings"),
        ("study: healing\npresets: {a: {hol: {}}}", "a", "did you mean 'hole'"),
    ],
)
def test_what_is_no_preset_is_refused(path, text, preset, words):
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        load(path, preset)
