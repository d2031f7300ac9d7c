"""A training as a whole: the same bits again, also after a stop or a kill; what ends it."""

from __future__ import annotations

import numpy as np
import pytest
from training_frames import crystals, write_frames, write_recipe

from limlff.config import load_config
from limlff.errors import GuardStop, InputError, OutOfTime
from limlff.potential_file import load_potential, save_potential
from limlff.training.checkpoint import find_checkpoints
from limlff.training.data import load_training_data
from limlff.training.loop import Trainer
from limlff.training.preparation import prepare_training
from limlff.training.recipe import Recipe
from limlff.training.result import finish_potential

STEPS_PER_EPOCH = 4


@pytest.fixture(scope="module")
def recipe_file(tmp_path_factory):
    return write_recipe(tmp_path_factory.mktemp("recipe"))


def make_trainer(recipe_file, folder, *changes):
    """A training of three epochs, unless that is changed too."""
    short = [] if any(change.startswith("epochs=") for change in changes) else ["epochs=3"]
    recipe = load_config(recipe_file, Recipe, [*short, *changes])
    return Trainer(prepare_training(recipe, load_training_data(recipe, recipe_file.parent)), folder)


def file_bytes(trainer, folder):
    save_potential(finish_potential(trainer), folder / "potential.limlff")
    return (folder / "potential.limlff").read_bytes()


def curves(trainer):
    """The history without times."""
    entries = trainer.progress.history
    return [{key: value for key, value in e.items() if key != "seconds"} for e in entries]


class Killed(Exception):
    """The program ends without a chance to save."""


def stop_after(steps, killed=False):
    """Asked after each step; answers yes, or ends the program, once so many are made."""
    calls = iter(range(1, 10**6))

    def stop():
        over = next(calls) >= steps
        if over and killed:
            raise Killed
        return over

    return stop


@pytest.fixture(scope="module")
def uninterrupted(recipe_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    trainer = make_trainer(recipe_file, folder)
    trainer.run(progress=False)
    assert trainer.progress.steps == 3 * STEPS_PER_EPOCH
    return file_bytes(trainer, folder), curves(trainer)


def test_the_same_seed_gives_the_same_file_and_another_seed_another(
    recipe_file, uninterrupted, tmp_path
):
    for seed, same in ((1, True), (2, False)):
        trainer = make_trainer(recipe_file, tmp_path / str(seed), f"seed={seed}")
        trainer.run(progress=False)
        assert (file_bytes(trainer, tmp_path) == uninterrupted[0]) is same
        assert (curves(trainer) == uninterrupted[1]) is same


@pytest.mark.parametrize("steps", [1, STEPS_PER_EPOCH, STEPS_PER_EPOCH + 2])
def test_stop_and_resume_gives_the_bits_of_the_uninterrupted_training(
    recipe_file, uninterrupted, tmp_path, steps
):
    """Stopped after the first step, at the end of an epoch, and within one."""
    with pytest.raises(OutOfTime, match="--resume"):
        make_trainer(recipe_file, tmp_path).run(stop=stop_after(steps), progress=False)
    trainer = make_trainer(recipe_file, tmp_path)
    trainer.resume()
    assert trainer.progress.steps == steps
    trainer.run(progress=False)
    assert curves(trainer) == uninterrupted[1]
    assert file_bytes(trainer, tmp_path) == uninterrupted[0]


def test_killed_training_resumes_from_the_last_whole_checkpoint(
    recipe_file, uninterrupted, tmp_path, caplog
):
    """Killed within an epoch, and its latest checkpoint is damaged too."""
    trainer = make_trainer(recipe_file, tmp_path, "checkpoint_seconds=1e-9")
    with pytest.raises(Killed):
        trainer.run(stop=stop_after(STEPS_PER_EPOCH + 3, killed=True), progress=False)
    latest, before = find_checkpoints(tmp_path)
    latest.write_bytes(latest.read_bytes()[:2000])
    trainer = make_trainer(recipe_file, tmp_path)
    trainer.resume()
    assert "damaged" in caplog.text and before.exists()
    assert trainer.progress.steps == STEPS_PER_EPOCH + 1
    trainer.run(progress=False)
    assert curves(trainer) == uninterrupted[1]
    assert file_bytes(trainer, tmp_path) == uninterrupted[0]


def test_resume_with_another_recipe_or_other_data_is_refused(recipe_file, tmp_path):
    with pytest.raises(OutOfTime):
        make_trainer(recipe_file, tmp_path).run(stop=stop_after(1), progress=False)
    for change in ("loss.force=2.0", "epochs=4", "data"):
        if change == "data":
            other = recipe_file.with_name("other.extxyz")
            write_frames(other, crystals(16, seed=9, nickel=True))
            text = recipe_file.read_text().replace("[own.extxyz]", "[other.extxyz]")
            changed = recipe_file.with_name("changed.yaml")
            changed.write_text(text)
            trainer = make_trainer(changed, tmp_path)
        else:
            trainer = make_trainer(recipe_file, tmp_path, change)
        with pytest.raises(InputError, match="resume with the"):
            trainer.resume()
    trainer = make_trainer(recipe_file, tmp_path, "checkpoint_seconds=7", "notes=about it")
    trainer.resume()
    assert trainer.progress.steps == 1


def test_training_ends_when_the_score_stays_away_from_its_best(recipe_file, tmp_path):
    trainer = make_trainer(
        recipe_file, tmp_path, "epochs=40", "patience=2", "validation.every_epochs=3", "seed=5"
    )
    progress = trainer.progress
    progress.best_score, progress.best_epoch = 1e-9, 0  # cannot be reached
    trainer.run(progress=False)
    assert progress.epoch == 2 * 3 and progress.stale == 2 and progress.best_epoch == 0
    validated = [entry["epoch"] for entry in progress.history if "validation" in entry]
    assert validated == [3, 6]


def test_loss_that_overflows_stops_the_training(recipe_file, tmp_path):
    frames = crystals(16, seed=1, nickel=True)
    frames[5].forces[2, 1] = 1e30
    for name in ("shifted", "held-back"):
        text = (recipe_file.parent / f"{name}.extxyz").read_text()
        (tmp_path / f"{name}.extxyz").write_text(text)
    write_frames(tmp_path / "own.extxyz", frames)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(recipe_file.read_text())
    with pytest.raises(GuardStop, match=r"not finite .*learning_rate"):
        make_trainer(recipe, tmp_path).run(progress=False)


def test_cutoff_that_holds_no_pair_is_refused(recipe_file, tmp_path):
    with pytest.raises(InputError, match="no two atoms of the data are so close"):
        make_trainer(recipe_file, tmp_path, "model.cutoff=1.5")


def test_errors_of_labels_of_weight_0_say_that_they_are_not_fitted(recipe_file, tmp_path):
    """A set without energies has no zero to evaluate them in; nor do groups without stresses."""
    frames = ["name: own", "files: [own.extxyz]", "groups: {even: {stress: 0}}"]
    forces = ["name: shifted", "files: [shifted.extxyz]", "weights: {energy: 0, stress: 0}"]
    sets = ", ".join(f"{{{', '.join(each)}}}" for each in (frames, forces))
    card = finish_potential(make_trainer(recipe_file, tmp_path, f"data=[{sets}]")).card
    own, shifted = (card["errors"]["train"][name] for name in ("own", "shifted"))
    energies = ("energy_mae_mev_per_atom", "energy_rmse_mev_per_atom")
    for errors in (shifted, *shifted["groups"].values()):
        assert {errors[key] for key in (*energies, "stress_mae_gpa")} == {"not fitted"}
        assert errors["force_mae_ev_per_angstrom"] > 0
    assert all(own[key] > 0 for key in (*energies, "stress_mae_gpa"))
    assert own["groups"]["even"]["stress_mae_gpa"] == "not fitted"
    assert own["groups"]["odd"]["stress_mae_gpa"] > 0
    assert card["errors"]["validation"]["own"]["energy_mae_mev_per_atom"] > 0
    training = card["training"]
    parts = [(data["energy_fitted"], data["stress_fitted"]) for data in training["data"]]
    assert parts == [("all", "all"), ("none", "none")]
    assert list(training["energy_offsets_ev"]) == ["own"]  # that of the other is not known


def test_card_names_data_settings_and_errors(recipe_file, uninterrupted, tmp_path):
    path = tmp_path / "potential.limlff"
    path.write_bytes(uninterrupted[0])
    card = load_potential(path).card
    training = card["training"]
    assert Recipe.model_validate(training["recipe"]).epochs == 3
    assert [data["frames"] for data in training["data"]] == [16, 16]
    assert training["data"][0]["validation"]["frames"] == 8
    assert len(training["data"][0]["sha256"]) == 64
    assert training["epochs"] == 3 and training["steps"] == 12
    assert card["errors"]["validation"]["own"]["frames"] == 8
    shortest = min(
        np.linalg.norm(frame.positions[i] - frame.positions[j] + shift @ frame.cell)
        for frame in crystals(16, seed=1, nickel=True)
        for shift in np.stack(np.meshgrid(*[[-1, 0, 1]] * 3), axis=-1).reshape(-1, 3)
        for i in range(4)
        for j in range(i)
    )
    assert training["shortest_distance_angstrom"] == pytest.approx(shortest, rel=1e-6)
