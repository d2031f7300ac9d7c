"""Bad input of every kind: one line on stderr that says what is wrong, and exit code 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from reference_models import small_moment

from limlff.cli.main import main
from limlff.potential_file import save_potential


@pytest.fixture(scope="module")
def potential_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("potential") / "small.limlff"
    save_potential(small_moment(), path)
    return path


def lithium(seed: int = 0) -> Atoms:
    atoms = bulk("Li", cubic=True, a=3.44).repeat(2)
    atoms.rattle(0.05, seed=seed)
    return atoms


def write_labelled(path: Path, structures: list[Atoms], forces=None) -> Path:
    for atoms in structures:
        own = np.random.default_rng(1).normal(0, 0.1, (len(atoms), 3))
        own -= own.mean(axis=0)  # or a doubt about their sum is told
        own = own if forces is None else forces
        atoms.calc = SinglePointCalculator(atoms, energy=-1.9 * len(atoms), forces=own)
    write(path, structures, format="extxyz")
    return path


def write_recipe(path: Path, frames: Path, **model) -> Path:
    recipe = {
        "elements": ["Li"],
        "model": {"architecture": "moment", "cutoff": 4.0, **model},
        "data": [{"name": "own", "files": [str(frames)]}],
        "epochs": 1,
    }
    path.write_text(yaml.safe_dump(recipe))
    return path


def write_md(path: Path, potential_file: Path, structure: Path, **settings) -> Path:
    config = {"potential": str(potential_file), "structure": str(structure), "steps": 2}
    path.write_text(yaml.safe_dump({**config, **settings}))
    return path


def refused(capsys, *words: object) -> str:
    """Run a command that must end with code 2 and one line on stderr; returns the line."""
    code = main([str(word) for word in words])
    message = capsys.readouterr().err
    assert code == 2, message
    assert message.count("\n") == 1, message
    assert message.startswith(f"limlff {words[0]}: ")
    assert "Traceback" not in message
    return message


def test_unknown_key_in_a_recipe_names_the_one_meant(tmp_path, capsys):
    recipe = write_recipe(tmp_path / "recipe.yaml", tmp_path / "none.extxyz")
    recipe.write_text(recipe.read_text().replace("epochs:", "epoch:"))
    message = refused(capsys, "train", recipe, "--out", tmp_path / "out")
    assert "recipe.yaml" in message
    assert "unknown key 'epoch'; did you mean 'epochs'?" in message


def test_unknown_key_of_the_model_names_the_one_meant(tmp_path, capsys):
    frames = write_labelled(tmp_path / "frames.extxyz", [lithium(i) for i in range(4)])
    recipe = write_recipe(tmp_path / "recipe.yaml", frames, chanels=4)
    message = refused(capsys, "train", recipe, "--out", tmp_path / "out")
    assert "did you mean 'channels'" in message


def test_unknown_key_of_molecular_dynamics_names_the_one_meant(tmp_path, capsys, potential_file):
    structure = tmp_path / "start.extxyz"
    write(structure, lithium())
    config = write_md(tmp_path / "md.yaml", potential_file, structure, timestep=2.0)
    message = refused(capsys, "md", config, "--out", tmp_path / "out")
    assert "did you mean 'timestep_fs'" in message


def test_unknown_key_given_by_set_is_refused(tmp_path, capsys):
    words = ["run", "healing/quick", "--out", tmp_path / "out", "--set", "near_angstrm=3"]
    assert "did you mean 'near_angstrom'" in refused(capsys, *words)


def words_to_read(frames: Path, command: str, potential_file: Path) -> list[str | Path]:
    """A command line that reads labelled frames."""
    recipe = write_recipe(frames.with_name("r.yaml"), frames)
    return {
        "check": ["data", "check", frames],
        "evaluate": ["evaluate", potential_file, frames],
        "train": ["train", recipe, "--out", frames.with_name("out")],
    }[command]


@pytest.mark.parametrize("command", ["check", "evaluate", "train"])
def test_file_without_labels_is_refused(tmp_path, capsys, potential_file, command):
    frames = tmp_path / "bare.extxyz"
    write(frames, [lithium(), lithium(1)], format="extxyz")
    message = refused(capsys, *words_to_read(frames, command, potential_file))
    assert "bare.extxyz" in message
    assert "neither energy nor forces" in message


@pytest.mark.parametrize("command", ["check", "evaluate", "train"])
def test_nan_in_forces_is_refused_with_file_and_frame(tmp_path, capsys, potential_file, command):
    forces = np.zeros((16, 3))
    forces[5, 1] = np.nan
    frames = tmp_path / "broken.extxyz"
    good = write_labelled(tmp_path / "good.extxyz", [lithium()])
    bad = write_labelled(tmp_path / "bad.extxyz", [lithium(1)], forces)
    frames.write_text(good.read_text() + bad.read_text())
    message = refused(capsys, *words_to_read(frames, command, potential_file))
    assert "broken.extxyz, frame 1" in message
    assert "forces of atom 5" in message


def test_unknown_element_is_named(tmp_path, capsys, potential_file):
    alloy = lithium()
    alloy.symbols[3] = "Cu"
    frames = write_labelled(tmp_path / "alloy.extxyz", [alloy])
    message = refused(capsys, "evaluate", potential_file, frames)
    assert "Cu" in message and "Li" in message
    structure = tmp_path / "start.extxyz"
    write(structure, alloy)
    config = write_md(tmp_path / "md.yaml", potential_file, structure)
    message = refused(capsys, "md", config, "--out", tmp_path / "out")
    assert "Cu" in message and "knows only Li" in message


def test_touching_atoms_are_named_with_their_distance(tmp_path, capsys, potential_file):
    touching = lithium()
    touching.positions[9] = touching.positions[2] + [0.0, 0.3, 0.0]
    frames = write_labelled(tmp_path / "touching.extxyz", [touching])
    message = refused(capsys, "evaluate", potential_file, frames)
    assert "touching.extxyz" in message
    assert "Li 2" in message and "Li 9" in message and "0.30 Å" in message
    structure = tmp_path / "start.extxyz"
    write(structure, touching)
    config = write_md(tmp_path / "md.yaml", potential_file, structure)
    message = refused(capsys, "md", config, "--out", tmp_path / "out")
    assert "0.30 Å" in message


@pytest.mark.parametrize(
    ("cutoff", "words"),
    [(50.0, "cutoff is 50.0"), (12.5, "cutoff is 12.5"), (1.5, "cutoff is 1.5")],
)
def test_cutoff_that_does_not_suit_the_data_is_refused(tmp_path, capsys, cutoff, words):
    """Too large for any set of frames, and too small for atoms to see each other."""
    frames = write_labelled(tmp_path / "frames.extxyz", [lithium(i) for i in range(4)])
    recipe = write_recipe(tmp_path / "recipe.yaml", frames, cutoff=cutoff)
    assert words in refused(capsys, "train", recipe, "--out", tmp_path / "out")


def test_element_that_no_frame_holds_is_refused(tmp_path, capsys):
    structures = [lithium(i) for i in range(4)]
    frames = write_labelled(tmp_path / "frames.extxyz", structures, np.zeros((16, 3)))
    recipe = write_recipe(tmp_path / "recipe.yaml", frames)
    recipe.write_text(recipe.read_text().replace("- Li\n", "- Li\n- Cu\n", 1))
    message = refused(capsys, "train", recipe, "--out", tmp_path / "out")
    assert "elements: Cu: no frame" in message and "take Cu out of elements" in message


@pytest.mark.parametrize("command", ["info", "evaluate", "md"])
def test_damaged_potential_file_is_refused(tmp_path, capsys, potential_file, command):
    damaged = tmp_path / "damaged.limlff"
    content = bytearray(potential_file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    damaged.write_bytes(content)
    structure = tmp_path / "start.extxyz"
    write(structure, lithium())
    words = {
        "info": ["info", damaged],
        "evaluate": ["evaluate", damaged, write_labelled(tmp_path / "f.extxyz", [lithium()])],
        "md": ["md", write_md(tmp_path / "md.yaml", damaged, structure), "--out", tmp_path / "out"],
    }[command]
    message = refused(capsys, *words)
    assert "damaged.limlff" in message and "damaged" in message.split("damaged.limlff", 1)[1]


@pytest.mark.parametrize(
    "command", ["info", "evaluate", "check", "train", "md", "run", "structure"]
)
def test_missing_file_is_named(tmp_path, capsys, potential_file, command):
    absent, out = tmp_path / "absent.file", tmp_path / "out"
    words = {
        "info": ["info", absent],
        "evaluate": ["evaluate", potential_file, absent],
        "check": ["data", "check", absent],
        "train": ["train", absent, "--out", out],
        "md": ["md", absent, "--out", out],
        "run": ["run", absent, "--out", out],
        "structure": [
            "md",
            write_md(tmp_path / "md.yaml", potential_file, absent),
            "--out",
            out,
        ],
    }[command]
    assert "absent.file" in refused(capsys, *words)


def test_the_installed_command_ends_with_code_2_and_one_line(tmp_path):
    """Once as a user sees it: another process, its exit code and both of its streams."""
    done = subprocess.run(
        [sys.executable, "-m", "limlff.cli.main", "info", str(tmp_path / "absent.limlff")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("limlff info: ") and "absent.limlff" in done.stderr
