"""Checks and reports: against brute force and the published numbers of the data sets."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from limlff.errors import InputError
from limlff.frames.checks import check_frames
from limlff.frames.distances import closest_pair
from limlff.frames.duplicates import find_duplicates, have_different_labels
from limlff.frames.frame import Frame
from limlff.frames.read import read_source
from limlff.frames.report import FrameReport, report_frames
from limlff.frames.source import FrameSource


def shortest_by_brute_force(frame: Frame) -> float:
    """Over all pairs and the images in the five by five by five cells around."""
    reach = [range(-2, 3) if flag else [0] for flag in frame.periodic]
    best = np.inf
    for shift in product(*reach):
        vectors = frame.positions[None] + np.array(shift) @ frame.cell - frame.positions[:, None]
        distances = np.linalg.norm(vectors, axis=2)
        if shift == (0, 0, 0):
            np.fill_diagonal(distances, np.inf)
        best = min(best, float(distances.min()))
    return best


@pytest.mark.parametrize("periodic", [(1, 1, 1), (1, 1, 0), (0, 0, 1), (0, 0, 0)])
@pytest.mark.parametrize("atoms", [1, 2, 13])
def test_shortest_distance_counts_images(periodic, atoms):
    generator = np.random.default_rng(atoms)
    cell = np.diag([4.0, 5.0, 6.0]) + generator.normal(0, 0.8, (3, 3))
    frame = Frame(
        np.full(atoms, 3), generator.uniform(-4, 9, (atoms, 3)), cell, np.array(periodic, bool)
    )
    wrapped = replace(  # brute force looks only so far
        frame,
        positions=frame.positions
        - np.where(frame.periodic, np.floor(frame.positions @ np.linalg.inv(cell)), 0) @ cell,
    )
    assert closest_pair(frame).distance == pytest.approx(shortest_by_brute_force(wrapped))


def test_atoms_far_outside_of_the_cell_are_the_same_frame(lithium):
    frame = lithium[3]
    moved = replace(frame, positions=frame.positions + 10_000 * frame.cell[0])
    assert closest_pair(moved).distance == pytest.approx(closest_pair(frame).distance, abs=1e-7)


def spoil(frame: Frame, **changes: object) -> Frame:
    return replace(frame, origin="spoiled.extxyz, frame 7", **changes)


def test_frames_that_cannot_be_trained_on_are_refused(lithium):
    frame = lithium[5]
    forces, positions = frame.forces.copy(), frame.positions.copy()
    forces[4, 1] = np.nan
    positions[1] = positions[0] + [0.2, 0.3, 0.0] + frame.cell[2]
    cases = {
        "has neither energy nor forces": spoil(frame, energy=None, forces=None),
        "forces of atom 4 is nan": spoil(frame, forces=forces),
        "energy is inf": spoil(frame, energy=float("inf")),
        "stress is nan": spoil(frame, stress=np.full((3, 3), np.nan)),
        "Li 0 and Li 1 are 0.36 Å apart": spoil(frame, positions=positions),
        "has no atoms": spoil(frame, numbers=np.empty(0, int), positions=np.empty((0, 3))),
    }
    for message, bad in cases.items():
        with pytest.raises(InputError) as caught:
            check_frames([frame, bad])
        assert str(caught.value).startswith("spoiled.extxyz, frame 7: ")
        assert message in str(caught.value)
    with pytest.raises(InputError, match="no frames"):
        check_frames([])


def test_one_label_is_enough(lithium):
    check_frames([replace(lithium[0], energy=None), replace(lithium[1], forces=None)])


def report_of(shared: Path, name: str) -> FrameReport:
    return report_frames(read_source(shared / "data" / name))


def test_numbers_published_with_mlearn_li(shared):
    """The table in the description of the data set, found with other code."""
    report = report_of(shared, "mlearn-Li/train.extxyz")
    assert (report.frames, report.atoms, report.atoms_per_frame) == (241, 11576, (2, 84))
    assert report.with_energy == report.with_forces == report.with_stress == 241
    assert report.elements == {"Li": 11576}
    assert report.groups == {"AIMD-NVT": 172, "Elastic": 22, "Surface": 11, "Vacancy": 36}
    assert report.energy_ev_per_atom == pytest.approx((-1.8990, -1.7058), abs=1e-4)
    assert report.largest_force_ev_per_angstrom[0] == pytest.approx(1.71, abs=5e-3)
    assert report.net_force_ev_per_angstrom == pytest.approx((0, 2e-8), abs=1e-6)
    assert report.pressure_gpa == pytest.approx((-0.75, 3.26), abs=5e-3)
    assert report.shortest_distance[0] == pytest.approx(2.00, abs=5e-3)
    assert report.volume_per_atom == pytest.approx((18.11, 40.72), abs=5e-3)
    assert (report.duplicates, report.conflicts, report.warnings) == (0, 0, [])
    assert report.label_keys["energy"] == {"energy": 241}


def test_numbers_published_with_gpaw_li_cu(shared):
    """Free energy taken, net forces up to 0.011 eV/Å, two elements, as its description says."""
    names = [f"gpaw-Li-Cu/{part}.extxyz" for part in ("train", "test")]
    reports = [report_of(shared, name) for name in names]
    # the set grows; each frame has one energy that goes with its forces
    frames = [(shared / "data" / name).read_text().count("free_energy=") for name in names]
    assert [report.frames for report in reports] == frames and min(frames) > 0
    assert [report.atoms_per_frame for report in reports] == [(12, 24), (12, 24)]
    assert [report.label_keys["energy"] for report in reports] == [
        {"free_energy": number} for number in frames
    ]
    largest = max(report.net_force_ev_per_angstrom[0] for report in reports)
    assert largest == pytest.approx(0.011, abs=5e-4)
    assert set(reports[0].elements) == {"Li", "Cu"}


@pytest.mark.parametrize(
    "name, shortest, pressure",
    [
        ("saidi-Cu/test", 1.90, (5.10, 150.23)),
        ("xavier-Li-Cu/test", 2.13, (-2.06, 0.01)),
        ("mlearn-Cu/test", 1.83, (-11.07, 21.42)),
    ],
)
def test_distances_and_pressures_published_with_other_sets(shared, name, shortest, pressure):
    report = report_of(shared, f"{name}.extxyz")
    assert report.shortest_distance[0] == pytest.approx(shortest, abs=6e-3)
    assert report.pressure_gpa == pytest.approx(pressure, abs=6e-3)


def test_duplicates_are_seen_in_every_disguise(lithium):
    """Shifted, wrapped, and with its atoms in another order, labels along: still the same frame."""
    frames = lithium[:40]
    original, generator = frames[7], np.random.default_rng(0)
    order = generator.permutation(len(original))
    shifts = generator.integers(-2, 3, (len(original), 3))
    moved = original.positions + shifts @ original.cell + [0.1, 0.2, 0.3]
    disguised = replace(original, positions=moved[order], forces=original.forces[order])
    relabelled = replace(original, forces=original.forces[order])
    other_energy = replace(original, energy=original.energy + 0.001 * len(original))
    nearly = replace(original, positions=original.positions + generator.normal(0, 0.01, (1, 3)))
    moved_atom = replace(original, positions=original.positions.copy())
    moved_atom.positions[3] += [0.02, 0, 0]
    extended = [*frames, disguised, relabelled, other_energy, moved_atom, nearly]
    assert find_duplicates(extended) == [(7, 40), (7, 41), (7, 42), (7, 44)]
    assert not have_different_labels(original, disguised)
    assert have_different_labels(original, relabelled)
    assert have_different_labels(original, other_energy)
    assert not have_different_labels(original, replace(original, energy=None))


def test_duplicates_of_other_elements_or_periodicity_are_none(random_frames):
    frame = random_frames[0]
    exchanged = replace(frame, numbers=np.where(frame.numbers == 3, 29, 3))
    cluster = replace(frame, periodic=np.zeros(3, bool))
    assert find_duplicates([frame, exchanged, cluster]) == []
    assert find_duplicates([frame, cluster, frame, cluster]) == [(0, 2), (1, 3)]


def test_report_warns_of_duplicates_with_other_labels(lithium):
    changed = replace(lithium[0], energy=lithium[0].energy - 1.0, origin="b, frame 1")
    report = report_frames(FrameSource("b", [lithium[0], changed]))
    assert (report.duplicates, report.conflicts) == (1, 1)
    assert any("other labels" in text and "b, frame 1" in text for text in report.warnings)


def test_report_of_a_single_free_atom():
    atom = Frame(np.array([3]), np.zeros((1, 3)), np.zeros((3, 3)), np.zeros(3, bool), energy=-0.3)
    report = report_frames(FrameSource("atom", [atom]))
    assert report.shortest_distance is None and report.volume_per_atom is None
    assert report.with_forces == 0 and report.largest_force_ev_per_angstrom is None
