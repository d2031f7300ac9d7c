"""A training that starts from a potential: what is kept, what is fitted anew, what is refused."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import yaml
from training_frames import SHIFT, crystals, with_zero, write_frames, write_recipe

import limlff
from limlff.config import load_config
from limlff.errors import InputError
from limlff.models.arrays import flatten_parameters
from limlff.models.readouts import KEY
from limlff.potential_file import load_potential, potential_digest, save_potential
from limlff.training.data import load_training_data
from limlff.training.loop import Trainer
from limlff.training.preparation import prepare_training
from limlff.training.recipe import Recipe
from limlff.training.result import finish_potential
from limlff.training.teacher import label_frames
from limlff.training.train import TrainingStopped

SHORT = ["epochs=2", "uncertainty.members=2"]
GO_ON = [*SHORT, "start_from=before.limlff"]


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """A potential with uncertainty, in the folder of its recipe."""
    folder = tmp_path_factory.mktemp("before")
    recipe = write_recipe(folder)
    limlff.train(recipe, folder / "first", SHORT, progress=False)
    (folder / "first" / "potential.limlff").rename(folder / "before.limlff")
    write_frames(folder / "new.extxyz", crystals(16, seed=5, nickel=True))
    text = recipe.read_text().replace("[own.extxyz]", "[own.extxyz, new.extxyz]")
    recipe.write_text(text)
    return folder


@pytest.fixture(scope="module")
def after(before, tmp_path_factory):
    """A training that started from it, never interrupted."""
    folder = tmp_path_factory.mktemp("after")
    limlff.train(before / "recipe.yaml", folder, GO_ON, progress=False)
    return folder


def prepared(folder, *changes):
    recipe = load_config(folder / "recipe.yaml", Recipe, [*GO_ON, *changes])
    data = load_training_data(recipe, folder)
    return prepare_training(recipe, data, folder / "before.limlff")


def test_first_energies_are_those_of_the_start_in_the_zeros_of_the_new_sets(before, tmp_path):
    """Labels are the start's own, in two other zeros: nothing is left to learn."""
    start = load_potential(before / "before.limlff")
    frames = label_frames(start, crystals(16, seed=8, nickel=True))
    own = {29: 3.0, 28: -7.0}
    (tmp_path / "recipe.yaml").write_text((before / "recipe.yaml").read_text())
    save_potential(start, tmp_path / "before.limlff")
    write_frames(tmp_path / "own.extxyz", with_zero(frames, own))
    write_frames(tmp_path / "shifted.extxyz", with_zero(with_zero(frames, own), SHIFT))
    for name in ("new", "held-back"):
        labelled = label_frames(start, crystals(4, seed=len(name), nickel=True))
        write_frames(tmp_path / f"{name}.extxyz", with_zero(labelled, own))
    begun = prepared(tmp_path)
    shift = begun.baseline - start.baseline
    np.testing.assert_allclose(shift, [own[29], own[28]], atol=1e-9)
    mine, its = flatten_parameters(begun.parameters), flatten_parameters(start.parameters)
    assert mine.keys() == {name for name in its if not name.startswith(f"{KEY}/")}
    assert len(mine) < len(its)
    assert all(np.array_equal(mine[name], its[name]) for name in mine)
    trainer = Trainer(begun, tmp_path / "out")
    assert trainer.has_result
    potential = finish_potential(trainer)
    offsets = potential.card["training"]["energy_offsets_ev"]["shifted"]
    np.testing.assert_allclose([offsets["Cu"], offsets["Ni"]], [SHIFT[29], SHIFT[28]], atol=1e-6)
    for part in ("train", "validation"):
        for errors in potential.card["errors"][part].values():
            assert errors["energy_mae_mev_per_atom"] < 1e-3
            assert errors["force_mae_ev_per_angstrom"] < 1e-6


def test_a_stopped_training_goes_on_to_the_same_file(before, after, tmp_path):
    with pytest.raises(TrainingStopped, match="--resume") as stopped:
        limlff.train(
            before / "recipe.yaml", tmp_path, GO_ON, max_runtime_seconds=1e-3, progress=False
        )
    assert KEY not in stopped.value.potential.parameters  # the start's is not that of these data
    limlff.train(before / "recipe.yaml", tmp_path, GO_ON, resume=True, progress=False)
    files = [folder / "potential.limlff" for folder in (after, tmp_path)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_resume_with_another_start_is_refused_and_a_renamed_one_is_not(before, tmp_path):
    trainer = Trainer(prepared(before), tmp_path)
    trainer.save()
    start = load_potential(before / "before.limlff")
    save_potential(replace(start, baseline=start.baseline + 1e-9), before / "other.limlff")
    recipe = load_config(before / "recipe.yaml", Recipe, [*SHORT, "start_from=other.limlff"])
    data = load_training_data(recipe, before)
    for name, same in (("before", True), ("other", False)):
        again = Trainer(prepare_training(recipe, data, before / f"{name}.limlff"), tmp_path)
        if same:
            again.resume()
        else:
            with pytest.raises(InputError, match="another recipe or other data"):
                again.resume()


def test_uncertainty_is_fitted_anew_and_the_card_names_the_start(before, after):
    start, potential = (
        load_potential(path) for path in (before / "before.limlff", after / "potential.limlff")
    )
    assert not np.array_equal(start.parameters[KEY]["center"], potential.parameters[KEY]["center"])
    [link] = potential.card["training"]["started_from"]
    assert link["potential"] == "before.limlff" and link["digest"] == potential_digest(start)
    # the other set is trained on again
    assert [(each["name"], each["frames"]) for each in link["data"]] == [("own", 16)]


def test_a_third_training_names_both_before_it(before, after, tmp_path):
    """And each set with the last that was trained on it."""
    content = yaml.safe_load((before / "recipe.yaml").read_text())
    content["data"] = [{"name": "last", "files": [str(before / "new.extxyz")]}]
    content |= {"validation": {"fraction": 0.0}, "start_from": "after.limlff"}
    recipe = Recipe.model_validate(content)
    data = load_training_data(recipe, before)
    trainer = Trainer(prepare_training(recipe, data, after / "potential.limlff"), tmp_path)
    links = finish_potential(trainer).card["training"]["started_from"]
    assert [link["potential"] for link in links] == ["after.limlff", "before.limlff"]
    assert [[each["frames"] for each in link["data"]] for link in links] == [[32, 16], [16]]


def test_least_squares_start_from_its_other_parameters(before, tmp_path):
    begun, solved = prepared(before), prepared(before, "least_squares=only")
    mine, its = (flatten_parameters(each.parameters) for each in (solved, begun))
    changed = {name for name in its if not np.array_equal(mine[name], its[name])}
    assert changed == {"linear"}


@pytest.mark.parametrize(
    ("files", "fraction", "remarked"),
    [
        (["own.extxyz"], 0.25, False),  # the same frames as then
        (["own.extxyz"], 0.5, True),
        (["own.extxyz", "new.extxyz"], 0.25, True),  # grown, so that others are drawn
        (["own.extxyz", "new.extxyz"], 0.0, False),
    ],
)
def test_frames_held_back_that_the_start_may_know_are_remarked(
    before, tmp_path, caplog, files, fraction, remarked
):
    """Never those of a set that the start did not have."""
    start = load_potential(before / "before.limlff")
    start.card["training"]["recipe"]["validation"]["fraction"] = 0.25
    save_potential(start, tmp_path / "before.limlff")
    content = yaml.safe_load((before / "recipe.yaml").read_text())
    content |= {"validation": {"fraction": fraction}, "start_from": "before.limlff"}
    content["data"][0]["files"] = files
    content["data"][1]["name"] = "another"
    recipe = Recipe.model_validate(content)
    data = load_training_data(recipe, before)
    begun = prepare_training(recipe, data, tmp_path / "before.limlff")
    found = [text for text in begun.data.remarks if "validation.files" in text]
    assert [text.split("'")[1] for text in found] == ["own"] * remarked
    assert all(text in caplog.text for text in found)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model.channels=3", r"its channels is 2, in the recipe 3; write its settings"),
        ("model.cutoff=4.0", r"its cutoff is 4\.5, in the recipe 4\.0"),
        ("model={architecture: mtp}", r"its architecture is 'moment', in the recipe 'mtp';"),
        ("elements=[Ni, Cu]", r"is for Cu, Ni, the recipe's elements are Ni, Cu, the same in an"),
        ("elements=[Cu, Ni, Li]", r"elements are Cu, Ni, Li, others; .* write elements: \[Cu, Ni"),
        ("start_from=none.limlff", r"none\.limlff: not found"),
        ("start_from=own.extxyz", r"own\.extxyz: is no potential file"),
        ("start_from=li", r"li is for Li, the recipe's elements are Cu, Ni"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(before, tmp_path, change, message):
    changes = [*SHORT, change] if change.startswith("start") else [*GO_ON, change]
    with pytest.raises(InputError, match=message):
        limlff.train(before / "recipe.yaml", tmp_path / "out", changes, progress=False)


def test_a_start_in_the_folder_is_not_removed_by_force(before, after, tmp_path):
    """What a training would replace cannot be what it starts from."""
    out = tmp_path / "out"
    shutil.copytree(after, out)
    kept = (out / "potential.limlff").read_bytes()
    changes = [*SHORT, f"start_from={out / 'potential.limlff'}"]
    with pytest.raises(InputError, match=r"potential\.limlff"):
        limlff.train(before / "recipe.yaml", out, changes, force=True, progress=False)
    assert (out / "potential.limlff").read_bytes() == kept
