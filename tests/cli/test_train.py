"""`limlff train` and `limlff evaluate` as a user meets them: from frames to a potential that is
near its teacher, errors that another code finds too, and refusals in one line."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from ase.io import read
from training_frames import SHIFT, crystals, label, many_kinds, write_frames, write_recipe

from limlff.calculator import Calculator
from limlff.cli.main import main
from limlff.config import load_config
from limlff.potential_file import load_potential
from limlff.training.recipe import Recipe
from limlff.units import GIGAPASCAL

ERRORS = {
    "frames",
    "atoms",
    "energy_mae_mev_per_atom",
    "energy_rmse_mev_per_atom",
    "force_mae_ev_per_angstrom",
    "force_rmse_ev_per_angstrom",
    "stress_mae_gpa",
}


@pytest.fixture(scope="module")
def recipe_file(tmp_path_factory):
    return write_recipe(tmp_path_factory.mktemp("recipe"))


@pytest.fixture(scope="module")
def trained(recipe_file, tmp_path_factory):
    """Folder of a whole training of 120 epochs."""
    folder = tmp_path_factory.mktemp("trained")
    assert main(["train", str(recipe_file), "--out", str(folder), "--quiet"]) == 0
    return folder


def test_training_comes_near_its_teacher(trained):
    """Frames that were not trained on; zero forces and the mean energy are what to beat.

    Sixteen frames, two channels and 480 steps leave an error of about a tenth.
    """
    frames = crystals(8, seed=2, nickel=True)
    errors = load_potential(trained / "potential.limlff").card["errors"]["validation"]["own"]
    assert errors["frames"] == 8
    forces = np.concatenate([frame.forces for frame in frames])
    typical = np.sqrt(np.mean(forces**2))
    assert errors["force_rmse_ev_per_angstrom"] < 0.15 * typical
    assert errors["force_mae_ev_per_angstrom"] < 0.15 * np.abs(forces).mean()
    energies = np.array([frame.energy / 4 for frame in frames])
    assert errors["energy_rmse_mev_per_atom"] < 0.2 * 1e3 * energies.std()
    stresses = np.array([frame.stress for frame in frames]) / GIGAPASCAL
    assert errors["stress_mae_gpa"] < 0.45 * np.abs(stresses).mean()


def test_zero_of_the_second_set_is_recovered_and_raw_energies_are_of_the_first(trained):
    potential = load_potential(trained / "potential.limlff")
    offsets = potential.card["training"]["energy_offsets_ev"]
    assert offsets["own"] == {"Cu": 0.0, "Ni": 0.0}
    # the same frames in both sets: exact but for float32
    assert offsets["shifted"]["Cu"] == pytest.approx(SHIFT[29], abs=1e-9)
    assert offsets["shifted"]["Ni"] == pytest.approx(SHIFT[28], abs=1e-9)
    own, shifted = (potential.card["errors"]["train"][name] for name in ("own", "shifted"))
    for key in ("energy_rmse_mev_per_atom", "force_mae_ev_per_angstrom", "stress_mae_gpa"):
        assert own[key] == pytest.approx(shifted[key], rel=1e-6)


def test_training_leaves_its_recipe_and_curves(trained, recipe_file):
    names = {path.name for path in trained.iterdir()}
    assert {"potential.limlff", "recipe.yaml", "history.json", "learning-curves.png"} <= names
    assert not [name for name in names if name.startswith(".")]
    history = json.loads((trained / "history.json").read_text())
    assert [entry["epoch"] for entry in history["epochs"]] == list(range(1, 121))
    assert history["steps"] == 480 and history["best_epoch"] % 20 == 0
    assert history["atoms_per_second"] > 0 and history["compile_seconds"] > 0
    atoms = history["atoms_per_second"] * history["seconds"]
    assert atoms == pytest.approx((480 - 1) * 32)  # the step that compiled does not count
    weights = [entry["weights"]["energy"] for entry in history["epochs"]]
    assert weights[0] == pytest.approx(0.1) and weights[-1] == pytest.approx(10 ** (119 / 120 - 1))
    assert load_config(trained / "recipe.yaml", Recipe) == load_config(recipe_file, Recipe)


def test_stopped_by_time_signal_or_full_disk_and_resumed_gives_the_same_file(
    recipe_file, tmp_path, capsys
):
    short = ["train", str(recipe_file), "--set", "epochs=12", "--quiet", "--out"]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert main([*short, str(whole)]) == 0
    assert main([*short, str(parts), "--max-runtime", "0.001s"]) == 4
    assert "--resume" in capsys.readouterr().err
    assert not (parts / "potential.limlff").exists()
    assert main([*short, str(parts)]) == 2
    assert "go on with --resume" in capsys.readouterr().err
    before = signal.getsignal(signal.SIGTERM)
    signal_when_training()
    assert main([*short, str(parts), "--resume"]) == 4
    assert signal.getsignal(signal.SIGTERM) == before
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("limlff.training.loop.save_checkpoint", disk_is_full)
        often = ["--set", "checkpoint_seconds=1e-6"]
        assert main([*short, str(parts), "--resume", *often]) == 4
    message = capsys.readouterr().err.splitlines()[-1]
    assert "No space left on device; free space" in message and "--resume" in message
    (parts / f".{dead_process()}.checkpoint-000000003.npz").touch()  # of one that was killed
    assert main([*short, str(parts), "--resume"]) == 0
    assert not list(parts.glob(".*"))
    files = [(folder / "potential.limlff").read_bytes() for folder in (whole, parts)]
    assert files[0] == files[1]


def disk_is_full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "checkpoint")


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def signal_when_training():
    """Send this process SIGTERM as soon as the training listens to it."""
    before = signal.getsignal(signal.SIGTERM)

    def wait():
        while signal.getsignal(signal.SIGTERM) == before:
            time.sleep(1e-3)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def test_resume_of_a_folder_that_is_not_there_makes_none(recipe_file, tmp_path, capsys):
    folder = tmp_path / "no-training"
    assert main(["train", str(recipe_file), "--out", str(folder), "--resume"]) == 2
    assert "there is no such folder; start without --resume" in capsys.readouterr().err
    assert not folder.exists()


def test_refused_resume_leaves_the_recipe_in_the_folder(recipe_file, trained, capsys):
    before = (trained / "recipe.yaml").read_text()
    command = ["train", str(recipe_file), "--out", str(trained), "--resume", "--quiet"]
    assert main([*command, "--set", "loss.force=3"]) == 2
    assert "another recipe" in capsys.readouterr().err
    assert (trained / "recipe.yaml").read_text() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("optimizer.lerning_rate=1e-3", "did you mean 'learning_rate'"),
        ("model.chanels=3", "did you mean 'channels'"),
        ("model.cutoff=13", "at most 12.0"),
        ("batch_atoms=8", "batch_atoms is 8, but a frame has 12 atoms"),
        ("data=[{name: a, files: [missing.extxyz]}]", "missing.extxyz"),
        ("elements=[Cu]", "holds Ni, but the potential is for Cu"),
        ("epochs", "has no '='"),
    ],
)
def test_bad_settings_end_with_one_line_and_code_2(recipe_file, tmp_path, capsys, change, message):
    large = label(crystals(1, 1)[0].to_atoms() * (3, 1, 1), "even")
    write_frames(recipe_file.with_name("large.extxyz"), [large])
    settings = ["data=[{name: a, files: [large.extxyz]}]", "elements=[Cu]", "validation.files={}"]
    settings.append(change)
    if "elements" in change:
        settings = [change]
    command = ["train", str(recipe_file), "--out", str(tmp_path / "out"), "--quiet"]
    code = main([*command, *(word for setting in settings for word in ("--set", setting))])
    lines = capsys.readouterr().err.strip().splitlines()
    assert code == 2 and len(lines) == 1 and message in lines[0]


def test_evaluation_agrees_with_the_calculator(trained, tmp_path, capsys):
    """All numbers of the JSON, worked out with NumPy from the ASE calculator's results."""
    # the one with most neighbors first, so that the calculator compiles once for all
    _, sheared, slab, _, atom = many_kinds()
    frames = [sheared, slab, atom, *crystals(5, seed=3, nickel=True)]
    path = write_frames(tmp_path / "frames.extxyz", frames)
    out, plots = tmp_path / "errors.json", tmp_path / "plots"
    potential = str(trained / "potential.limlff")
    command = ["evaluate", potential, str(path), "--json", str(out), "--plots", str(plots)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    errors = json.loads(out.read_text())
    assert set(errors) == ERRORS | {"groups"}
    groups = {frame.group for frame in frames}
    assert set(errors["groups"]) == groups
    assert all(set(values) == ERRORS for values in errors["groups"].values())
    reference = calculator_residuals(path, potential)
    compare(errors, reference)
    for group in ("even", "slab", "lone atom"):
        compare(errors["groups"][group], [r for r in reference if r["group"] == group])
    assert errors["groups"]["lone atom"]["stress_mae_gpa"] is None
    for name in ("energy", "force", "stress"):
        figure = plots / f"parity-{name}.png"
        assert figure.read_bytes().startswith(b"\x89PNG") and str(figure) in printed


def calculator_residuals(path, potential):
    """Per frame its group, atoms, and differences of the ASE calculator from the labels."""
    calculator = Calculator(potential)
    found = []
    for labelled in read(path, ":"):
        atoms = labelled.copy()
        atoms.calc = calculator
        residuals = {
            "group": atoms.info["config_type"],
            "atoms": len(atoms),
            "energy": atoms.get_potential_energy() - labelled.get_potential_energy(),
            "forces": atoms.get_forces() - labelled.get_forces(),
        }
        if atoms.pbc.all():  # beside vacuum there is no stress
            residuals["stress"] = atoms.get_stress() - labelled.get_stress()
        found.append(residuals)
    return found


def compare(errors, reference):
    energy = np.array([1e3 * r["energy"] / r["atoms"] for r in reference])
    force = np.concatenate([r["forces"].ravel() for r in reference])
    stress = np.array([r["stress"] for r in reference if "stress" in r]) / GIGAPASCAL
    expected = {
        "frames": len(reference),
        "atoms": sum(r["atoms"] for r in reference),
        "energy_mae_mev_per_atom": np.mean(np.abs(energy)),
        "energy_rmse_mev_per_atom": np.sqrt(np.mean(energy**2)),
        "force_mae_ev_per_angstrom": np.mean(np.abs(force)),
        "force_rmse_ev_per_angstrom": np.sqrt(np.mean(force**2)),
        "stress_mae_gpa": np.mean(np.abs(stress)) if stress.size else None,
    }
    for key, value in expected.items():
        assert errors[key] == (None if value is None else pytest.approx(value, rel=1e-9)), key


def test_evaluation_compares_spreads_and_grades_with_true_errors(trained, tmp_path, capsys):
    """Share of force errors inside one spread, worked out from the ASE calculator's results."""
    path = write_frames(tmp_path / "frames.extxyz", crystals(5, seed=3, nickel=True))
    out, potential = tmp_path / "errors.json", str(trained / "potential.limlff")
    options = ["--uncertainty", "--dtype", "float64", "--json", str(out)]
    assert main(["evaluate", potential, str(path), *options]) == 0
    assert "rank correlation" in capsys.readouterr().out
    measured = json.loads(out.read_text())["uncertainty"]
    calculator = Calculator(potential)
    inside, grades = [], []
    for labelled in read(path, ":"):
        atoms = labelled.copy()
        atoms.calc = calculator
        spread = atoms.calc.get_property("force_spread", atoms)
        inside.append(np.abs(atoms.get_forces() - labelled.get_forces()) < spread[:, None])
        grades.append(atoms.calc.get_property("extrapolation_grade", atoms))
    assert measured["force"]["coverage"]["0.683"] == pytest.approx(np.mean(inside), abs=0.02)
    assert measured["largest_grade"] == pytest.approx(np.max(grades), rel=1e-6)
    card = load_potential(trained / "potential.limlff").card["uncertainty"]
    assert card["calibrated_on"] == "training frames"  # 32 atoms held back are too few


def test_evaluation_of_an_unknown_element_or_missing_file_is_refused(trained, tmp_path, capsys):
    frame = crystals(1, seed=1)[0]
    frame.numbers[0] = 47
    path = write_frames(tmp_path / "silver.extxyz", [frame])
    potential = str(trained / "potential.limlff")
    for arguments in ([potential, str(path)], [potential, "none.extxyz"], ["none", str(path)]):
        assert main(["evaluate", *arguments]) == 2
    silver, missing, unknown = capsys.readouterr().err.strip().splitlines()
    assert "holds Ag, but the potential is for Cu, Ni" in silver
    assert "none.extxyz" in missing and "none" in unknown
