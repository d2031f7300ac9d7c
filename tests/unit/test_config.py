"""Configurations: what is refused, in which words, and what paths mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from limlff.config import apply_overrides, load_config, load_stored_config, parse_config
from limlff.errors import InputError
from limlff.md.config import MDConfig
from limlff.training.recipe import Recipe
from limlff.workflows.healing.config import HealingConfig


def refusal(content: dict[str, Any], kind: Any = MDConfig) -> str:
    with pytest.raises(InputError) as refused:
        parse_config(content, kind, "md.yaml")
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"checkpoint_every": 3}, "'checkpoint_every'; did you mean 'output.checkpoint_every'?"),
        ({"output": {"steps": 3}}, "'output.steps'; did you mean 'steps' at the top level?"),
        ({"guards": {"kind": "npt"}}, "'guards.kind'; did you mean 'ensemble.kind'?"),
        ({"pressure": 3}, "did you mean 'ensemble.pressure_gpa'?"),
        ({"skin": 0.3}, "did you mean 'skin_angstrom'?"),
        ({"output": {"thermo_evry": 3}}, "'output.thermo_evry'; did you mean 'thermo_every'?"),
        ({"qwertz": 3}, "unknown key 'qwertz'; remove it"),
        (
            {"ensemble": {"kind": "nvt_langevin", "tau_fs": 5}},
            "'ensemble.tau_fs'; it belongs to kind 'nvt_nose_hoover' and 'npt'",
        ),
        (
            {"events": [{"kind": "remove", "every": 5, "element": "Li", "cnt": 2}]},
            "'events.0.cnt'; did you mean 'count'?",
        ),
    ],
)
def test_unknown_key_is_answered_with_the_full_path_of_the_one_meant(content, words):
    assert words in refusal({"steps": 5, **content})


def test_unknown_key_of_a_recipe_and_of_a_study_is_found_in_lists_and_sections():
    data = [{"name": "own", "files": ["a.extxyz"]}]
    recipe = {"elements": ["Li"], "model": {}, "data": data, "learning_rate": 1e-3}
    assert "did you mean 'optimizer.learning_rate'?" in refusal(recipe, Recipe)
    recipe = {"elements": ["Li"], "model": {}, "data": data, "max_frames": 5}
    assert "did you mean 'data.0.select.max_frames'?" in refusal(recipe, Recipe)
    assert "did you mean 'dynamics.timestep_fs'?" in refusal({"timestep_fs": 2}, HealingConfig)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"temperature_k": "hot"}, "temperature_k: must be a number (got 'hot')"),
        ({"temperature_k": [300]}, "temperature_k: has too few values"),
        ({"timestep_fs": True}, "timestep_fs: must be a number, not true"),
        ({"steps": 5.5}, "steps: must be a whole number (got 5.5)"),
        ({"output": None}, "output: must be a section of 'key: value' lines (got nothing)"),
        ({"ensemble": "npt"}, "ensemble: must be a section of 'key: value' lines (got 'npt')"),
        ({"ensemble": {"kind": "nvt"}}, "did you mean 'nvt_langevin'?"),
        ({"ensemble": {}}, "'ensemble.kind' is missing; choose nve, nvt_langevin,"),
        ({"ensemble": {"kind": "npt", "pressure_gpa": {"x": "1,5"}}}, "ensemble.pressure_gpa.x:"),
        ({"dtype": "float46"}, "did you mean 'float64'?"),
        ({"frozen": {"elements": ["li"]}}, "'li', which is no element; did you mean 'Li'?"),
        ({"structure": "a\0b"}, "structure: a\\x00b: holds a NUL"),
        ({"potential": "~no_such_user/x"}, "there is no home folder for ~no_such_user"),
        ({"structure": "x" * 300}, "is too long for a path"),
        ({"potential": ""}, "a path is empty"),
    ],
)
def test_message_names_setting_value_and_limit_in_plain_words(content, words):
    assert words in refusal({"steps": 5, **content})


@pytest.mark.parametrize(
    "value",
    ["x" * 100_000, list(range(100_000)), {str(n): n for n in range(9999)}, 10**4000],
    ids=["text", "list", "mapping", "number"],
)
def test_message_stays_short_whatever_the_value(value):
    assert len(refusal({"steps": value})) < 300
    assert len(refusal({"steps": 5, "x" * 100_000: value})) < 300
    assert len(refusal({f"key{n}": 1 for n in range(1000)})) < 700


@pytest.mark.parametrize(
    ("content", "limit"),
    [
        ({"skin_angstrom": 100}, "at most 5"),
        ({"skin_angstrom": 1e300}, "at most 5"),
        ({"steps": 2**63}, "at most"),
        ({"timestep_fs": 1e300}, "at most 100"),
        ({"timestep_fs": 5e-324}, "at least"),
        ({"timestep_fs": float("inf")}, "finite"),
        ({"temperature_k": [300, float("nan")]}, "finite"),
        ({"seed": 10**23}, "less than"),
        ({"ensemble": {"kind": "nvt_nose_hoover", "tau_fs": 1e300}}, "at most"),
        ({"ensemble": {"kind": "npt", "pressure_gpa": -1e300}}, "at least"),
        ({"guards": {"min_distance_angstrom": 1e300}}, "at most 10"),
        (
            {
                "events": [
                    {"kind": "deposit", "element": "Li", "every": 5, "min_distance_angstrom": 50}
                ]
            },
            "at most 10",
        ),
    ],
)
def test_number_beyond_all_sense_is_refused_with_its_limit(content, limit):
    assert limit in refusal({"steps": 5, **content})


def test_pressure_along_an_axis_that_keeps_its_length_is_refused():
    ensemble = {"kind": "npt", "coupling": "uniaxial", "axis": "z"}
    idle = {**ensemble, "pressure_gpa": {"x": 1.0}}
    assert "pressure_gpa.x has no effect" in refusal({"steps": 5, "ensemble": idle})
    kept = MDConfig(steps=5, ensemble={**ensemble, "pressure_gpa": {"z": 1.0}})
    assert MDConfig.model_validate(kept.model_dump(mode="json")) == kept


def test_event_that_ends_before_it_begins_is_refused():
    event = {"kind": "remove", "element": "Li", "every": 50, "last": 20}
    assert "never happens" in refusal({"steps": 100, "events": [event]})


def test_study_too_large_for_any_machine_is_refused():
    assert "lattice sites" in refusal({"repeats": [1000, 1000, 1000]}, HealingConfig)
    assert "lattice sites" in refusal(
        {"repeats": [2, 2, 2], "hole": {"missing_atoms": 16}}, HealingConfig
    )


def test_settings_given_on_the_command_line_reach_into_sections_and_lists():
    content: dict[str, Any] = {"steps": 5, "events": [{"every": 1}]}
    apply_overrides(content, ["output.thermo_every=7", "events.0.every=1e1", "steps=6", "steps=6"])
    assert content == {"steps": 6, "events": [{"every": 10.0}], "output": {"thermo_every": 7}}


@pytest.mark.parametrize(
    "overrides",
    [
        ["steps=5", "steps=6"],
        ["output.thermo_every=5", "output={}"],
        ["events.1.every=5"],
        ["events.x=5"],
        ["steps.x=5"],
        ["=5"],
        ["steps"],
        ["output={thermo_every: 1, thermo_every: 2}"],
    ],
)
def test_settings_that_undo_each_other_or_lead_nowhere_are_refused(overrides):
    with pytest.raises(InputError, match="--set"):
        apply_overrides({"steps": 5, "events": [{"every": 1}]}, overrides)


def test_path_is_relative_to_where_it_was_written(tmp_path, monkeypatch):
    folder = tmp_path / "inputs"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    file = folder / "md.yaml"
    file.write_text("structure: a.cif\npotential: own.limlff\nsteps: 5\n")
    config = load_config(Path("inputs/md.yaml"), MDConfig)
    assert config.structure == folder / "a.cif"
    assert config.potential == str(folder / "own.limlff")
    config = load_config(file, MDConfig, ["structure=b.cif", "potential=~/x.limlff"])
    assert config.structure == tmp_path / "b.cif"
    assert config.potential == str(tmp_path / "home" / "x.limlff")


@pytest.mark.parametrize("folder", ["li", "sub/li"])
def test_bare_name_is_the_shipped_potential_also_beside_a_folder_of_that_name(
    tmp_path, monkeypatch, folder
):
    """The same for a configuration, the command line and a study; ./li is the folder."""
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "li.limlff").write_bytes(b"another")
    monkeypatch.chdir((tmp_path / folder).parent)
    file = (tmp_path / folder).parent / "c.yaml"
    for kind, content in ((MDConfig, "steps: 5\n"), (HealingConfig, "study: healing\n")):
        file.write_text(f"{content}potential: li\n")
        assert load_config(file, kind).potential == "li"
        file.write_text(f"{content}potential: ./li\n")
        assert load_config(file, kind).potential == str(tmp_path / folder)


def test_folder_whose_name_is_not_utf_8_is_refused(tmp_path):
    folder = tmp_path / "M\udcfcller"  # a byte that an old system has left
    folder.mkdir()
    (folder / "md.yaml").write_text("structure: start.extxyz\nsteps: 5\n")
    with pytest.raises(InputError, match=r"ller/start.extxyz: holds characters that are not UTF-8"):
        load_config(folder / "md.yaml", MDConfig)


def test_setting_under_its_old_name_is_taken_from_what_limlff_wrote_and_refused_elsewhere(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("study: healing\ndynamics: {precision: float64}\n")
    assert load_stored_config(file, HealingConfig).dynamics.dtype == "float64"
    assert load_stored_config(file, HealingConfig, ["dynamics.dtype=float32"]).dynamics.dtype == (
        "float32"
    )
    with pytest.raises(InputError, match=r"unknown key 'dynamics.precision'; did you mean 'dtype'"):
        load_config(file, HealingConfig)
    file.write_text("study: healing\ndynamics: {precision: float64, dtype: float32}\n")
    with pytest.raises(InputError, match=r"unknown key 'dynamics.precision'"):
        load_stored_config(file, HealingConfig)
