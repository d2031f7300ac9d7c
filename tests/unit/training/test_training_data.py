"""From files to weighted frames: selection, groups, zeros of energy, frames held back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from training_frames import crystals, many_kinds, with_zero, write_frames

from limlff.config import parse_config
from limlff.errors import InputError
from limlff.training.data import load_training_data
from limlff.training.data_settings import FrameSelection, LabelWeights
from limlff.training.labelled_frame import LabelledFrame, label_weights
from limlff.training.offsets import fit_baseline, free_offsets
from limlff.training.recipe import Recipe
from limlff.training.samples import make_samples
from limlff.training.selection import select_frames
from limlff.units import GIGAPASCAL


@pytest.fixture
def folder(tmp_path):
    write_frames(tmp_path / "a.extxyz", crystals(10, seed=1))
    write_frames(tmp_path / "b.extxyz", crystals(6, seed=2, nickel=True))
    write_frames(tmp_path / "c.extxyz", crystals(4, seed=3))
    return tmp_path


def load(folder, *sets, **validation):
    content = {
        "elements": ["Cu", "Ni"],
        "model": {"architecture": "moment"},
        "data": list(sets),
        "validation": validation,
    }
    return load_training_data(parse_config(content, Recipe, "recipe"), folder)


def data_set(name, **more):
    return {"name": name, "files": [f"{name}.extxyz"], **more}


def test_each_limit_of_a_selection_lets_through_what_is_below_it():
    frames = crystals(20, seed=4)
    quantities = {
        "max_force": [np.abs(f.forces).max() for f in frames],
        "max_energy_per_atom": [f.energy / 4 for f in frames],
        "max_volume_per_atom": [np.linalg.det(f.cell) / 4 for f in frames],
        "max_pressure_gpa": [-np.trace(f.stress) / 3 / GIGAPASCAL for f in frames],
    }
    for name, values in quantities.items():
        limit = float(np.median(values))
        expected = [f.origin for f, v in zip(frames, values, strict=True) if v <= limit]
        chosen = select_frames(frames, FrameSelection(**{name: limit}))
        assert [frame.origin for frame in chosen] == expected and len(expected) == 10
    volumes = quantities["max_volume_per_atom"]
    chosen = select_frames(frames, FrameSelection(min_volume_per_atom=float(np.median(volumes))))
    assert len(chosen) == 10 and min(f.volume / 4 for f in chosen) >= np.median(volumes)


def test_groups_are_named_as_they_are_or_by_patterns(folder):
    """Factors of all that match are multiplied; a pattern that matches nothing is refused."""
    frames = crystals(20, seed=4)
    chosen = select_frames(frames, FrameSelection(groups=["ev*"], exclude_groups=("o*",)))
    assert chosen == frames[::2]
    assert select_frames(frames, FrameSelection(exclude_groups=("?????*", "o??"))) == frames[::2]
    factors = {"*": {"energy": 0.5}, "e*": {"energy": 0.25, "force": 3.0}}
    loaded = load(folder, data_set("b", groups=factors, weights={"force": 2.0}), fraction=0)
    for item in loaded.train:
        even = item.frame.group == "even"
        assert label_weights(item)[:2].tolist() == ([0.125, 6.0] if even else [0.5, 2.0])
    with pytest.raises(InputError, match=r"has no group 'x\*'; it has even, odd"):
        load(folder, data_set("b", groups={"x*": {"energy": 0.5}}))


def test_limit_on_a_missing_label_does_not_apply():
    bare = replace(crystals(1, seed=1)[0], forces=None, stress=None)
    selection = FrameSelection(max_force=1e-9, max_pressure_gpa=-1e9)
    assert select_frames([bare], selection) == [bare]
    cluster = many_kinds()[3]
    assert select_frames([cluster], FrameSelection(max_volume_per_atom=1e-9)) == [cluster]


def test_selection_by_group_and_number():
    frames = crystals(20, seed=4)
    even = select_frames(frames, FrameSelection(groups=["even"]))
    assert even == frames[::2]
    assert select_frames(frames, FrameSelection(exclude_groups=("even",))) == frames[1::2]
    few = select_frames(frames, FrameSelection(groups=["even"], max_frames=4))
    assert few == [even[0], even[3], even[6], even[9]]


def test_selection_that_leaves_nothing_or_names_no_group_is_refused(folder):
    with pytest.raises(InputError, match=r"set 'a': none of its 10 frames"):
        load(folder, data_set("a", select={"max_force": 1e-6}))
    with pytest.raises(InputError, match=r"no group 'evn'; it has even, odd"):
        load(folder, data_set("a", groups={"evn": {"force": 2}}))


def test_group_weights_are_on_the_frames_of_the_group_alone(folder):
    data = load(
        folder,
        data_set("a", weights={"energy": 4}, groups={"odd": {"energy": 0.5, "shear_stress": 0}}),
        fraction=0.0,
    )
    for item in data.train:
        odd = item.frame.group == "odd"
        assert list(label_weights(item)) == ([2, 1, 1, 0] if odd else [4, 1, 1, 1])


def test_shear_stress_without_weight_is_not_stored(folder):
    frame = crystals(1, seed=1)[0]
    item = LabelledFrame(frame, weights=LabelWeights(shear_stress=0.0))
    sample = make_samples([item], ("Cu",), 3.0, np.zeros((1, 1)), "float64")[0]
    normal = np.diag(np.diag(-frame.stress * frame.volume))
    np.testing.assert_allclose(sample.virial, normal, rtol=1e-14)


def test_each_set_gives_its_share_to_validation(folder):
    data = load(folder, data_set("a"), data_set("b"), fraction=0.2)
    held_back = [item.set_name for item in data.validation]
    assert held_back.count("a") == 2 and held_back.count("b") == 1
    origins = {(item.set_name, item.frame.origin) for item in data.train + data.validation}
    assert len(origins) == 16
    assert [s["frames_held_back"] for s in data.summaries] == [2, 1]


def test_validation_files_take_the_zero_and_weights_of_their_set(folder):
    data = load(
        folder,
        data_set("b"),
        data_set("a", weights={"force": 3}),
        fraction=0.5,
        files={"a": ["c.extxyz"]},
    )
    of_a = [item for item in data.validation if item.set_name == "a"]
    assert len(of_a) == 4 and all(item.zero == 1 and item.weights.force == 3 for item in of_a)
    assert sum(item.set_name == "a" for item in data.train) == 10
    assert sum(item.set_name == "b" for item in data.train) == 3
    assert data.summaries[1]["validation"]["frames"] == 4


def test_validation_frame_that_is_trained_on_is_refused(folder):
    write_frames(folder / "c.extxyz", [*crystals(4, seed=3), crystals(10, seed=1)[7]])
    with pytest.raises(InputError, match=r"c\.extxyz, frame 4: .* among those trained on"):
        load(folder, data_set("a"), files={"a": ["c.extxyz"]})


def test_labels_all_without_weight_are_refused(folder):
    with pytest.raises(InputError, match="raise the weights"):
        load(folder, data_set("a", weights={"energy": 0, "force": 0}))


def test_unknown_element_is_named_with_its_frame(folder):
    frames = crystals(6, seed=2, nickel=True)
    with pytest.raises(InputError, match=r"crystal \d: holds Ni, but the potential is for Cu"):
        make_samples([LabelledFrame(f) for f in frames], ("Cu",), 3.0, np.zeros((1, 1)), "float32")


@pytest.mark.parametrize(("cutoff", "reason"), [(12.5, "at most 12.0"), (11.0, "the limit is 400")])
def test_cutoff_beyond_what_frames_allow_is_refused(cutoff, reason):
    """The second is allowed in itself, but fills the cells with 470 images per atom."""
    item = LabelledFrame(crystals(1, seed=1)[0])
    with pytest.raises(InputError, match=reason):
        make_samples([item], ("Cu",), cutoff, np.zeros((1, 1)), "float32")


def test_sets_have_own_zeros_unless_they_name_one(folder):
    data = load(folder, data_set("a"), data_set("b"), data_set("c", energy_zero="a"), fraction=0.0)
    assert {item.set_name: item.zero for item in data.train} == {"a": 0, "b": 1, "c": 0}


SHIFT = {29: 0.7, 28: -1.3}


def test_offsets_of_two_elements_are_recovered():
    """The same frames twice, the second time with another zero for each element."""
    frames = crystals(12, seed=5, nickel=True)
    labelled = [LabelledFrame(frame, "a", 0) for frame in frames]
    labelled += [LabelledFrame(frame, "b", 1) for frame in with_zero(frames, SHIFT)]
    energies = [item.frame.energy for item in labelled]
    free = free_offsets(labelled, ("Cu", "Ni"))
    assert free.tolist() == [[False, False], [True, True]]
    baseline, offsets = fit_baseline(labelled, energies, ("Cu", "Ni"), free)
    np.testing.assert_allclose(offsets, [[0, 0], [0.7, -1.3]], atol=1e-10)
    alone = np.array([[np.sum(f.numbers == z) / 4 for z in (29, 28)] for f in frames])
    expected = np.linalg.lstsq(alone, np.array(energies[:12]) / 4, rcond=None)[0]
    np.testing.assert_allclose(baseline, expected, atol=1e-10)


def test_element_that_only_a_later_set_holds_has_no_offset():
    """Copper alone has a zero in both sets; that of nickel is the second set's own."""
    copper, mixed = crystals(6, seed=5), crystals(8, seed=6, nickel=True)
    labelled = [LabelledFrame(frame, "a", 0) for frame in copper]
    labelled += [LabelledFrame(frame, "b", 1) for frame in with_zero(mixed, SHIFT)]
    free = free_offsets(labelled, ("Cu", "Ni"))
    assert free.tolist() == [[False, False], [True, False]]
    energies = [item.frame.energy for item in labelled]
    baseline, offsets = fit_baseline(labelled, energies, ("Cu", "Ni"), free)
    assert np.all(offsets[:, 1] == 0) and offsets[0, 0] == 0
    assert baseline[0] == pytest.approx(np.mean([f.energy / 4 for f in copper]))
    content = np.array([[np.sum(f.numbers == z) / 4 for z in (29, 28)] for f in mixed])
    alone = np.linalg.lstsq(content, np.array(energies[6:]) / 4, rcond=None)[0]
    assert baseline[1] == pytest.approx(alone[1])
    assert baseline[0] + offsets[1, 0] == pytest.approx(alone[0])


def test_frames_without_an_energy_to_train_on_do_not_move_the_baseline():
    frames = crystals(6, seed=5)
    labelled = [LabelledFrame(frame) for frame in frames]
    wrong = replace(frames[0], energy=1e6)
    unweighted = LabelledFrame(wrong, weights=LabelWeights(energy=0.0))
    free = free_offsets(labelled, ("Cu",))
    energies = [frame.energy for frame in frames]
    alone = fit_baseline(labelled, energies, ("Cu",), free)[0]
    both = fit_baseline([*labelled, unweighted], [*energies, 1e6], ("Cu",), free)[0]
    assert both == alone
