"""`limlff analyze`: tables and JSON of a film on copper, from files of several kinds."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ase import Atoms
from ase.build import bcc110, fcc100
from ase.io import write

from limlff.cli.main import main
from limlff.md.output.trajectory import TrajectoryFrame
from limlff.md.output.trajectory_writer import TrajectoryWriter

KINDS = ["layers", "similarity", "exchange", "order", "msd"]


def film(seed: int) -> Atoms:
    """Three planes of Cu(100) and a layer of Li(110) on them, shaken; one Li in the top plane.

    The layer is strained by -0.3 and 5.7 %.
    """
    slab = fcc100("Cu", (8, 8, 3), a=3.635, vacuum=12)
    top = slab.positions[:, 2].max()
    lithium = bcc110("Li", (6, 8, 1), a=3.438, orthogonal=True)
    scale = slab.cell.lengths()[:2] / lithium.cell.lengths()[:2]
    lithium.positions[:, :2] *= scale
    lithium.positions[:, 2] = top + 1.9
    both = slab + lithium
    both.info.clear()
    both.symbols[int(np.argmax(both.positions[:192, 2]))] = "Li"
    both.pbc = True
    both.positions += np.random.default_rng(seed).normal(0, 0.08, both.positions.shape)
    return both


@pytest.fixture
def frames(tmp_path):
    path = tmp_path / "film.extxyz"
    atoms = [film(seed) for seed in range(5)]
    for number, each in enumerate(atoms):
        each.info["time_fs"] = 100.0 * number
    write(path, atoms)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_json_holds_every_frame_and_the_table_the_last(kind, frames, tmp_path, capsys):
    out = tmp_path / "out.json"
    assert main(["analyze", kind, str(frames), "--json", str(out)]) == 0
    printed = capsys.readouterr().out
    found = json.loads(out.read_text())
    assert (found["analysis"], found["substrate"], found["film"]) == (kind, "Cu", "Li")
    if kind == "msd":
        assert found["interval_fs"] == 100.0
        layer = next(each for each in found["layers"] if each["layer"] == 1)
        # independent displacements of 0.08 Å at both ends
        assert layer["in_plane"] == pytest.approx([4 * 0.08**2] * 2, rel=0.25)
        return
    assert [frame["time_fs"] for frame in found["frames"]] == [0, 100, 200, 300, 400]
    assert "frame 4" in printed and "0.4 ps" in printed
    last = found["frames"][-1]
    if kind == "layers":
        assert [layer["number"] for layer in last["layers"]] == [-2, -1, 0, 1]
        assert last["layers"][2]["atoms"] == {"Li": 1, "Cu": 63}
        assert last["layers"][3]["coverage"] == 1.0
    elif kind == "similarity":
        assert last["facet"] == "Cu(100)"
        assert [layer["best"] for layer in last["layers"]] == ["Cu(100)"] * 3 + ["Li(110)"]
    elif kind == "exchange":
        assert (last["film_below"], last["substrate_above"]) == (1, 0)
        assert "Li in sites of Cu: 1 of" in printed
    else:
        assert last["layers"][0]["psi_4"] > 0.9
        assert set(last["texture"]) == {"(100)", "(110)", "(111)"}


def test_trajectory_of_a_run_and_a_poscar_are_read(tmp_path, capsys):
    atoms = film(0)
    writer = TrajectoryWriter(tmp_path / "trajectory.h5", np.ones(3, bool))
    for step in range(3):
        writer.write(
            TrajectoryFrame(step, 10.0 * step, atoms.numbers, atoms.positions, atoms.cell.array)
        )
    writer.close()
    write(tmp_path / "POSCAR", atoms[np.argsort(atoms.numbers)])
    tables = []
    for name in ("trajectory.h5", "POSCAR"):
        assert main(["analyze", "layers", str(tmp_path / name)]) == 0
        tables.append(capsys.readouterr().out.splitlines()[1:])
    assert tables[0] == tables[1]


def test_every_second_frame_ends_with_the_last(frames, tmp_path):
    out = tmp_path / "out.json"
    assert main(["analyze", "layers", str(frames), "--every", "2", "--json", str(out)]) == 0
    assert [frame["frame"] for frame in json.loads(out.read_text())["frames"]] == [0, 2, 4]


@pytest.mark.parametrize(
    "options, said",
    [
        (["layers", "FRAMES", "--every", "0"], "--every 0"),
        (["layers", "FRAMES", "--film", "Xy"], "--film Xy"),
        (["layers", "FRAMES", "--film", "Cu"], "is the substrate, too"),
        (["layers", "FRAMES", "--film", "Ag", "--substrate", "Au"], "frame 0: there are no atoms"),
        (["exchange", "FRAMES", "--substrate", "Au"], "there are no atoms of Au"),
        (["layers", "missing.extxyz"], "missing.extxyz"),
        (["layers", "FRAMES", "--json", "FRAMES"], "would be replaced"),
        (["msd", "FRAMES", "--every", "5"], "one frame"),
    ],
)
def test_what_cannot_be_analyzed_is_refused(options, said, frames, capsys):
    words = [str(frames) if word == "FRAMES" else word for word in options]
    assert main(["analyze", *words]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_cavities_grains_and_necks_of_facing_dendrites(tmp_path, capsys):
    """Two turned grains in touch: their foot is a boundary, what is around the neck is open."""
    from limlff.structures.dendrite_settings import Dendrites, build_dendrites

    settings = {
        "slab": {"size": [9, 9], "layers": 6}, "gap_angstrom": 2.5,
        "shape": {"kind": "hemisphere", "radius_angstrom": 11}, "lattice_constant": 3.47,
        "grains": [{}, {"angle_degrees": 25, "axis": [1, 0, 0]}],
    }  # fmt: skip
    atoms = build_dendrites(Dendrites.model_validate(settings))
    file, out = tmp_path / "pair.extxyz", tmp_path / "out.json"
    low, high = atoms.info["feet"][:, 2]
    del atoms.arrays["grain"]
    write(file, Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True))
    middle = ["--between", str(low), str(high)]
    for kind, options in [("cavities", []), ("grains", []), ("neck", middle)]:
        assert main(["analyze", kind, str(file), "--json", str(out), "--force", *options]) == 0
        found = json.loads(out.read_text())
        assert (found["analysis"], found["volume_per_atom_angstrom3"]) == (kind, 20.9)
        frame = found["frames"][0]
        if kind == "cavities":
            assert frame["missing_atoms"] == 0 and frame["open_volume_angstrom3"] > 5000
        elif kind == "grains":
            assert frame["boundaries"][0]["misorientation_degrees"] == pytest.approx(25, abs=1)
        else:
            assert 0 < frame["radius_angstrom"] < 9
    assert "none is enclosed" in capsys.readouterr().out
    assert main(["analyze", "grains", str(file), "--volume", "0"]) == 2
    assert "--volume 0: is no volume" in capsys.readouterr().err
