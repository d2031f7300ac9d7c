"""Training heeds what `limlff data check` knows, says it, and keeps it in the card."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk
from training_frames import crystals, label, write_frames

from limlff.config import parse_config
from limlff.errors import InputError
from limlff.frames.frame import Frame
from limlff.training.data import TrainingData, load_training_data
from limlff.training.labelled_frame import label_weights
from limlff.training.recipe import Recipe


def load(folder, name: str, validation: dict | None = None, **more) -> TrainingData:
    content = {
        "elements": ["Cu", "Li"],
        "model": {"architecture": "moment"},
        "data": [{"name": "own", "files": [name]} | more],
        "validation": validation or {"fraction": 0.25},
    }
    return load_training_data(parse_config(content, Recipe, "recipe"), folder)


def stress_factors(data: TrainingData) -> np.ndarray:
    """Weights of normal and shear stress of all frames, (frames, 2)."""
    return np.array([label_weights(item)[2:] for item in data.train + data.validation])


def strained(count: int = 16, displacement: float = 0.01) -> list[Frame]:
    """Copper of the effective medium theory, whose stress belongs to its energies."""
    generator, frames = np.random.default_rng(2), []
    for index in range(count):
        atoms = bulk("Cu", "fcc", a=3.6, cubic=True)
        strain = generator.uniform(-0.03, 0.03, (3, 3))
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
        atoms.positions += generator.normal(0, displacement, (4, 3))
        frames.append(label(atoms, "", f"crystal {index}"))
    return frames


def test_pairs_too_far_from_each_other_prove_nothing(tmp_path):
    """Displacements of 0.08 Å: the trapezoidal rule alone gives a factor of 0.44."""
    write_frames(tmp_path / "own.extxyz", crystals(40, seed=2))
    data = load(tmp_path, "own.extxyz")
    np.testing.assert_array_equal(stress_factors(data), 1)
    assert not data.remarks


@pytest.mark.parametrize(
    "spoil, fitted",
    [
        (lambda stress: stress, (1, 1)),
        (lambda stress: stress + 0.02 * np.eye(3), (0, 1)),  # a pressure of 3 GPa, as of Pulay
        (lambda stress: -stress, (0, 0)),
        (lambda stress: stress * 160.2, (0, 0)),  # GPa in place of eV/Å^3
    ],
)
def test_a_stress_that_contradicts_the_energies_is_not_fitted(tmp_path, spoil, fitted):
    frames = [replace(frame, stress=spoil(frame.stress)) for frame in strained(40)]
    write_frames(tmp_path / "own.extxyz", frames)
    data = load(tmp_path, "own.extxyz")
    np.testing.assert_array_equal(stress_factors(data), [fitted] * 40)
    named = {(1, 1): "all", (0, 1): "shear", (0, 0): "none"}[fitted]
    assert data.summaries[0]["stress_fitted"] == named
    said = [text for text in data.remarks if "not fitted" in text]
    assert len(said) == (fitted != (1, 1))
    asked_for = load(tmp_path, "own.extxyz", stress=True)
    np.testing.assert_array_equal(stress_factors(asked_for), 1)
    assert len(asked_for.remarks) == len(data.remarks) - len(said)  # still warned of
    np.testing.assert_array_equal(stress_factors(load(tmp_path, "own.extxyz", stress=False)), 0)


def test_the_normal_stress_of_mlearn_cu_is_not_fitted_and_that_of_lithium_is(shared):
    """Its plane waves are too few for the stress: 2 GPa off the energies (Pulay)."""
    folder = shared / "data"
    copper = load(folder, "mlearn-Cu/train.extxyz")
    np.testing.assert_array_equal(np.unique(stress_factors(copper), axis=0), [[0, 1]])
    assert any("+2.6 GPa off the energies" in text for text in copper.remarks)
    lithium = load(folder, "mlearn-Li/train.extxyz")
    np.testing.assert_array_equal(stress_factors(lithium), 1)
    assert not lithium.remarks


def test_structures_trained_on_are_not_validated_on(tmp_path):
    """Whatever the draw: a shifted copy of a frame never lands on the other side."""
    frames = strained()
    copies = [replace(frame, positions=frame.positions + 0.3) for frame in frames]
    write_frames(tmp_path / "own.extxyz", frames + copies)
    data = load(tmp_path, "own.extxyz", {"fraction": 0.5})
    assert len(data.train) == 16

    def energies(labelled):
        return {round(item.frame.energy, 6) for item in labelled}

    assert data.validation and not energies(data.train) & energies(data.validation)
    assert any("are not validated on" in text for text in data.remarks)
    assert any("repeat a structure and weigh double" in text for text in data.remarks)


def test_a_structure_that_one_set_trains_on_is_not_validated_on_in_another(tmp_path):
    """The same frames in another order: what one holds back the other trains on."""
    write_frames(tmp_path / "own.extxyz", strained())
    write_frames(tmp_path / "same.extxyz", strained()[::-1])
    sets = [{"name": name, "files": [f"{name}.extxyz"]} for name in ("own", "same")]
    content = {"elements": ["Cu"], "model": {"architecture": "moment"}, "data": sets}
    recipe = parse_config({**content, "validation": {"fraction": 0.5}}, Recipe, "recipe")
    data = load_training_data(recipe, tmp_path)
    trained = [round(item.frame.energy, 6) for item in data.train]
    held_back = {round(item.frame.energy, 6) for item in data.validation}
    assert len(trained) == 16 and not held_back & set(trained)
    assert sum(each["frames_held_back"] for each in data.summaries) == len(data.validation) < 16
    said = " ".join(data.remarks)
    assert "not validated on, because other sets train on the same structures" in said
    twice = len(trained) - len(set(trained))
    assert f"{twice} frames repeat a structure and its labels from another set" in said


def test_repeated_structures_with_other_labels_are_named(tmp_path):
    frames = strained()
    frames.append(replace(frames[3], energy=frames[3].energy - 1.0))
    write_frames(tmp_path / "own.extxyz", frames)
    data = load(tmp_path, "own.extxyz", {"fraction": 0.0})
    assert any("have other labels, the first is own.extxyz, frame 16" in t for t in data.remarks)
    assert len(data.train) == 17


def test_what_readers_remark_and_what_is_suspicious_is_said(tmp_path):
    frames = strained()
    frames[2].forces[1, 0] = 1e5
    write_frames(tmp_path / "own.extxyz", frames)
    text = (tmp_path / "own.extxyz").read_text()
    (tmp_path / "own.extxyz").write_text(text.replace(" energy=", " REF_energy=-9 energy=", 1))
    remarks = " ".join(load(tmp_path, "own.extxyz").remarks)
    assert "REF_energy was taken" in remarks
    assert "forces of 1e+05 in own.extxyz, frame 2 is above 1e+04; check its unit" in remarks


def test_a_file_without_frames_among_several_is_named(tmp_path):
    write_frames(tmp_path / "own.extxyz", strained())
    for name in ("blank.extxyz", "empty.extxyz"):
        (tmp_path / name).write_text("\n\n" if name == "blank.extxyz" else "")
        with pytest.raises(InputError, match=name):
            load(tmp_path, "own.extxyz", files=["own.extxyz", name])
