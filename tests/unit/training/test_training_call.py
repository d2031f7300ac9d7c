"""`limlff.train` and `limlff.evaluate`: the whole of a training and of its errors, from Python."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml
from training_frames import SHIFT, crystals, with_zero, write_frames, write_recipe

import limlff
from limlff.cli.main import main
from limlff.config import load_config
from limlff.errors import InputError
from limlff.frames.read import read_frames
from limlff.training.recipe import Recipe
from limlff.training.train import TrainingStopped

SHORT = ["epochs=2", "uncertainty.members=2"]


@pytest.fixture(scope="module")
def recipe_file(tmp_path_factory):
    return write_recipe(tmp_path_factory.mktemp("recipe"))


@pytest.fixture(scope="module")
def trained(recipe_file, tmp_path_factory):
    """A training by the command: its folder."""
    folder = tmp_path_factory.mktemp("trained")
    words = [word for setting in SHORT for word in ("--set", setting)]
    assert main(["train", str(recipe_file), "--out", str(folder), "--quiet", *words]) == 0
    return folder


def test_everything_is_offered_by_one_import():
    """And nothing heavy is imported before it is asked for."""
    code = "import limlff, sys; print(sorted(limlff.__all__), 'jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    errors = ["GuardStop", "InputError", "LabellingFailed", "OutOfTime"]
    errors += ["RunStopped", "TrainingStopped"]
    doors = ["Calculator", "Potential", "evaluate", "load", "run_md", "train", "learn"]
    names = sorted([*errors, *doors, "resume_md", "resume_learning"])
    assert done.stdout.strip() == f"{names} False"
    assert all(callable(getattr(limlff, name)) and name in dir(limlff) for name in names)


@pytest.mark.parametrize("kind", ["path", "dict", "recipe"])
def test_a_recipe_of_any_kind_gives_the_file_of_the_command(
    recipe_file, trained, tmp_path, monkeypatch, kind
):
    """With its uncertainty, byte for byte; of a dict, paths are those of the working folder."""
    monkeypatch.chdir(recipe_file.parent)
    content = yaml.safe_load(recipe_file.read_text())
    given = {
        "path": (str(recipe_file), SHORT),
        "dict": ({**content, "epochs": 2, "uncertainty": {"members": 2}}, []),
        "recipe": (load_config(recipe_file, Recipe, SHORT), []),
    }
    recipe, overrides = given[kind]
    potential = limlff.train(recipe, tmp_path / "out", overrides, progress=False)
    assert "uncertainty" in potential.parameters
    files = [folder / "potential.limlff" for folder in (trained, tmp_path / "out")]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert yaml.safe_load(recipe_file.read_text()) == content


def test_a_training_out_of_time_is_resumed_to_the_same_file(recipe_file, trained, tmp_path, capsys):
    with pytest.raises(TrainingStopped, match="--resume") as stopped:
        limlff.train(recipe_file, tmp_path, SHORT, max_runtime_seconds=1e-3, progress=False)
    assert stopped.value.potential is None and stopped.value.exit_code == 4
    with pytest.raises(InputError, match="holds a training already"):
        limlff.train(recipe_file, tmp_path, SHORT, progress=False)
    assert not capsys.readouterr().out
    limlff.train(recipe_file, tmp_path, SHORT, resume=True)
    said = capsys.readouterr().out.splitlines()  # nothing else is heard while it compiles
    assert said[0].startswith("training on ") and "it compiles" in said[1]
    assert said[-1] == "making the uncertainty"
    files = [folder / "potential.limlff" for folder in (trained, tmp_path)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_what_is_no_recipe_is_refused(tmp_path):
    with pytest.raises(InputError, match="5 is no Recipe; give the path of a YAML file"):
        limlff.train(5, tmp_path)
    with pytest.raises(InputError, match=r"Recipe: .*did you mean 'elements'"):
        limlff.train({"element": ["Li"]}, tmp_path)


def test_files_frames_and_atoms_have_the_same_errors(trained, tmp_path):
    path = write_frames(tmp_path / "frames.extxyz", crystals(5, seed=3, nickel=True))
    frames = read_frames(path)
    atoms = [frame.to_atoms() for frame in frames]
    by_name = limlff.evaluate(trained / "potential.limlff", str(path), uncertainty=True)
    assert by_name["frames"] == 5 and by_name["uncertainty"]["force"]["labels"] == 60
    potential = limlff.load(trained / "potential.limlff")
    for given in (frames, atoms, [*frames[:2], *atoms[2:]], iter(atoms)):
        assert limlff.evaluate(potential, given, uncertainty=True) == by_name
    one = limlff.evaluate(potential, atoms[0])
    assert one == limlff.evaluate(potential, frames[0]) and one["atoms"] == 4
    drawn = tmp_path / "plots"
    limlff.evaluate(potential, frames, plots=drawn)
    assert sorted(file.name for file in drawn.iterdir()) == [
        f"parity-{label}.png" for label in ("energy", "force", "stress")
    ]


def test_frames_of_a_training_set_have_their_errors_in_its_zero(trained, tmp_path, capsys):
    """The same frames in the zero of each set: the same errors, coverage of energies as well."""
    potential, frames = trained / "potential.limlff", crystals(6, seed=3, nickel=True)
    own = limlff.evaluate(potential, frames, zero="own", uncertainty=True)
    assert own == limlff.evaluate(potential, frames, uncertainty=True)
    shifted = with_zero(frames, SHIFT)
    found = limlff.evaluate(potential, shifted, zero="shifted", uncertainty=True)
    assert found["energy_mae_mev_per_atom"] == pytest.approx(own["energy_mae_mev_per_atom"])
    assert found["uncertainty"]["energy"] == own["uncertainty"]["energy"]
    assert "another zero" not in capsys.readouterr().err
    path = str(write_frames(tmp_path / "shifted.extxyz", shifted))
    assert main(["evaluate", str(potential), path]) == 0
    in_raw_zero = capsys.readouterr()
    assert "(--zero SET); with theirs it is: shifted" in in_raw_zero.err
    assert main(["evaluate", str(potential), path, "--zero", "shifted"]) == 0
    assert f"{own['energy_mae_mev_per_atom']:.5g}" in capsys.readouterr().out
    with pytest.raises(InputError, match=r"zero is odd, .* trained on own, shifted; take one"):
        limlff.evaluate(potential, frames, zero="odd")


def test_labels_of_other_positions_and_what_holds_no_frames_are_refused(trained):
    potential = trained / "potential.limlff"
    atoms = crystals(1, seed=3)[0].to_atoms()
    atoms.positions[1, 0] += 0.01
    with pytest.raises(InputError, match=r"atoms 0: the results .* of other positions"):
        limlff.evaluate(potential, [atoms])
    with pytest.raises(InputError, match="3 holds no frames"):
        limlff.evaluate(potential, [3])
    with pytest.raises(InputError, match="there are no frames"):
        limlff.evaluate(potential, [])
