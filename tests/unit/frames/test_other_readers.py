"""DeePMD folders, mlearn JSON and ASE's formats, each written by hand from known frames."""

from __future__ import annotations

import json

import ase.io
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms

from limlff.errors import InputError
from limlff.frames.frame import Frame
from limlff.frames.mlearn import read_mlearn
from limlff.frames.read import read_frames, read_source
from limlff.units import KILOBAR


def write_deepmd(folder, frames, periodic=True):
    """A system as the DeePMD-kit manual describes it; virial in eV, positive in compression."""
    data = folder / "set.000"
    data.mkdir(parents=True)
    first = frames[0]
    (folder / "type_map.raw").write_text("Cu\nLi\n")
    types = np.where(first.numbers == 29, 0, 1)
    (folder / "type.raw").write_text("\n".join(map(str, types)))
    np.save(data / "coord.npy", [frame.positions.ravel() for frame in frames])
    np.save(data / "energy.npy", [frame.energy for frame in frames])
    np.save(data / "force.npy", [frame.forces.ravel() for frame in frames])
    if periodic:
        np.save(data / "box.npy", [frame.cell.ravel() for frame in frames])
        virials = [(-frame.stress * frame.volume).ravel() for frame in frames]
        np.save(data / "virial.npy", virials)
    else:
        (folder / "nopbc").touch()


@pytest.fixture
def compressed(lithium) -> list[Frame]:
    """Three 54-atom frames of the molecular dynamics."""
    return [frame for frame in lithium if frame.group == "AIMD-NVT" and len(frame) == 54][:3]


def test_deepmd_folder_gives_the_frames_it_was_written_from(
    tmp_path, compressed, assert_same_frame
):
    write_deepmd(tmp_path / "AIMD-NVT", compressed)
    source = read_source(tmp_path / "AIMD-NVT")
    for frame, copy in zip(compressed, source.frames, strict=True):
        assert_same_frame(frame, copy, 1e-12)
    assert source.label_keys["stress"] == {"virial.npy": 3}
    assert source.frames[2].origin == "AIMD-NVT/set.000, frame 2"


def test_root_folder_with_several_deepmd_systems(tmp_path, compressed):
    write_deepmd(tmp_path / "all" / "bulk" / "it.00", compressed[:1])
    write_deepmd(tmp_path / "all" / "surface" / "it.00", compressed[1:])
    frames = read_frames(tmp_path / "all")
    assert [frame.group for frame in frames] == ["bulk", "surface", "surface"]
    assert frames[0].origin == "all/bulk/it.00/set.000, frame 0"


def test_deepmd_folder_without_periodicity_has_no_cell_and_no_stress(tmp_path, compressed):
    write_deepmd(tmp_path / "cluster", compressed, periodic=False)
    frame = read_frames(tmp_path / "cluster")[0]
    assert not frame.periodic.any() and not frame.cell.any() and frame.stress is None
    assert frame.energy == compressed[0].energy


def test_deepmd_mixed_types_and_missing_labels(tmp_path, compressed):
    folder = tmp_path / "mixed"
    write_deepmd(folder, compressed)
    types = np.ones((3, 54), int)
    types[1, :4] = [0, 0, -1, -1]
    np.save(folder / "set.000" / "real_atom_types.npy", types)
    (folder / "set.000" / "force.npy").unlink()
    frames = read_frames(folder)
    assert frames[1].symbols == ["Cu", "Cu"] + ["Li"] * 50 and len(frames[0]) == 54
    np.testing.assert_array_equal(frames[1].positions[2], compressed[1].positions[4])
    assert frames[0].forces is None


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("set.000/energy.npy", np.zeros(2), "need (3, 1)"),
        ("set.000/force.npy", np.zeros((3, 7)), "need (3, 162)"),
        ("set.000/coord.npy", None, "is missing"),
        ("set.000/box.npy", None, "nopbc"),
        ("type_map.raw", "Xq\nLi", "Xq is no element"),
        ("type_map.raw", "Li", "names 1"),
        ("type_map.raw", None, "is missing"),
        ("set.000/energy.npy", "no array", "no readable array"),
    ],
)
def test_damaged_deepmd_folder_is_refused(tmp_path, compressed, name, content, message):
    write_deepmd(tmp_path / "sys", compressed)
    file = tmp_path / "sys" / name
    if content is None:
        file.unlink()
    elif isinstance(content, str):
        file.write_text(content)
    else:
        np.save(file, content)
    with pytest.raises(InputError) as caught:
        read_frames(tmp_path / "sys")
    assert message in str(caught.value)


def mlearn_entry(frame: Frame, shear: list[tuple[int, int]]) -> dict:
    """An entry of the benchmark's JSON: stress in kB, positive in compression."""
    kilobar = -frame.stress / KILOBAR
    sites = [
        {
            "species": [{"element": symbol, "occu": 1}],
            "abc": fractional.tolist(),
            "xyz": position.tolist(),
            "label": symbol,
        }
        for symbol, fractional, position in zip(
            frame.symbols,
            frame.positions @ np.linalg.inv(frame.cell),
            frame.positions,
            strict=True,
        )
    ]
    virial = [*np.diag(kilobar), *(kilobar[i, j] for i, j in shear)]
    return {
        "structure": {"lattice": {"matrix": frame.cell.tolist()}, "sites": sites},
        "group": frame.group,
        "description": "written by hand",
        "num_atoms": len(frame),
        "outputs": {
            "energy": frame.energy,
            "forces": frame.forces.tolist(),
            "virial_stress": virial,
        },
    }


XY_YZ_ZX, XY_ZX_YZ = [(0, 1), (1, 2), (2, 0)], [(0, 1), (2, 0), (1, 2)]


@pytest.mark.parametrize("name, shear", [("mlearn-Li", XY_YZ_ZX), ("mlearn-Cu", XY_ZX_YZ)])
def test_mlearn_json_with_the_shear_order_of_each_element(
    tmp_path, shared, assert_same_frame, name, shear
):
    frames = read_frames(shared / "data" / name / "test.extxyz")[:8]
    file = tmp_path / "training.json"
    file.write_text(json.dumps([mlearn_entry(frame, shear) for frame in frames]))
    source = read_source(file)
    for frame, copy in zip(frames, source.frames, strict=True):
        assert_same_frame(frame, copy, 1e-9)
    assert source.label_keys["stress"] == {"virial_stress": 8}


def test_mlearn_stress_of_unknown_order_is_left_out_unless_given(tmp_path, random_frames):
    frame = random_frames[0]  # Li and Cu together: no order is known
    file = tmp_path / "training.json"
    file.write_text(json.dumps([mlearn_entry(frame, XY_YZ_ZX)]))
    source = read_source(file)
    assert source.frames[0].stress is None and "order" in next(iter(source.remarks))
    given = read_mlearn(file, shear_order=("xy", "yz", "zx")).frames[0]
    np.testing.assert_allclose(given.stress, frame.stress, atol=1e-12)


def test_mlearn_json_that_is_damaged_is_refused(tmp_path, lithium):
    entry = mlearn_entry(lithium[0], XY_YZ_ZX)
    del entry["outputs"]
    file = tmp_path / "training.json"
    file.write_text(json.dumps([entry]))
    with pytest.raises(InputError, match=r"frame 0.*outputs"):
        read_frames(file)
    file.write_text('[{"structure": ')
    with pytest.raises(InputError, match="no valid JSON"):
        read_frames(file)


def test_ase_trajectory_takes_the_free_energy_and_all_forces(tmp_path, compressed):
    """Forces on atoms that a constraint holds are labels too; ASE would show them as zero."""
    images = []
    for frame in compressed:
        atoms = frame.to_atoms()
        atoms.calc = SinglePointCalculator(
            atoms, energy=frame.energy + 0.5, free_energy=frame.energy, forces=frame.forces,
            stress=frame.stress[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]],
        )  # fmt: skip
        atoms.set_constraint(FixAtoms([0, 1, 2]))
        images.append(atoms)
    ase.io.write(tmp_path / "run.traj", images)
    source = read_source(tmp_path / "run.traj")
    assert source.label_keys["energy"] == {"free_energy": 3}
    for frame, copy in zip(compressed, source.frames, strict=True):
        assert copy.energy == frame.energy and copy.group == frame.group
        np.testing.assert_array_equal(copy.forces, frame.forces)
        np.testing.assert_allclose(copy.stress, frame.stress, atol=1e-15)


VASPRUN = """<?xml version="1.0" encoding="ISO-8859-1"?>
<modeling>
 <kpoints><varray name="kpointlist"><v>0 0 0</v></varray>
  <varray name="weights"><v>1.0</v></varray></kpoints>
 <atominfo><array name="atoms"><set><rc><c>Li </c><c>1</c></rc><rc><c>Cu </c><c>2</c></rc></set>
 </array></atominfo>
 <structure name="initialpos">{structure}</structure>
 <calculation>
  <scstep><energy><i name="e_fr_energy">-5.5</i><i name="e_wo_entrp">-5.3</i>
   <i name="e_0_energy">-5.4</i></energy></scstep>
  <structure>{structure}</structure>
  <varray name="forces"><v>0.1 0.2 0.3</v><v>-0.1 -0.2 -0.3</v></varray>
  <varray name="stress"><v>10 1 2</v><v>1 20 3</v><v>2 3 30</v></varray>
  <energy><i name="e_fr_energy">-5.5</i><i name="e_wo_entrp">-5.3</i>
   <i name="e_0_energy">-5.4</i></energy>
 </calculation>
</modeling>
"""
STRUCTURE = """<crystal><varray name="basis"><v>4 0 0</v><v>0 4 0</v><v>0 0 5</v></varray></crystal>
<varray name="positions"><v>0 0 0</v><v>0.5 0.5 0.5</v></varray>"""


def test_vasprun_gives_free_energy_and_stress_positive_in_tension(tmp_path):
    """VASP writes kB, positive in compression: 10 kB of pressure is -1 GPa of stress."""
    file = tmp_path / "vasprun.xml"
    file.write_text(VASPRUN.format(structure=STRUCTURE))
    frame = read_frames(file)[0]
    assert frame.energy == -5.5 and frame.symbols == ["Li", "Cu"]
    np.testing.assert_allclose(frame.forces[1], [-0.1, -0.2, -0.3])
    expected = -np.array([[10.0, 1, 2], [1, 20, 3], [2, 3, 30]]) * KILOBAR
    np.testing.assert_allclose(frame.stress, expected, rtol=1e-6)  # CODATA of ASE differs


def test_what_no_reader_knows_is_refused_in_one_line(tmp_path):
    (tmp_path / "notes.txt").write_text("to do")
    (tmp_path / "empty").mkdir()
    for name in ("notes.txt", "empty", "missing.extxyz"):
        with pytest.raises(InputError) as caught:
            read_frames(tmp_path / name)
        assert name in str(caught.value) and "\n" not in str(caught.value)
