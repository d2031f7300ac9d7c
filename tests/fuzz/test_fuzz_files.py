"""Random settings, damaged files and odd structures: an answer of one line, or it simply works.

Everything goes through the command line in this process. What must not happen: a traceback, a hang,
or a file with a wrong bit that is read as if it were right.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
import yaml
from ase import Atoms
from ase.build import bulk
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from nested_values import finite
from reference_models import small_moment

from limlff.cli.main import main
from limlff.config import parse_config
from limlff.errors import InputError
from limlff.frames.digest import frames_digest
from limlff.frames.frame import Frame
from limlff.frames.read import read_frames
from limlff.frames.store import write_store
from limlff.md.config import MDConfig
from limlff.md.output.checkpoint import (
    Checkpoint,
    DamagedCheckpoint,
    checkpoint_files,
    read_checkpoint,
    write_checkpoint,
)
from limlff.md.system.prepare import check_structure, read_structure
from limlff.md.system.state import initial_state
from limlff.models.registry import build_model
from limlff.neighbors.host import Capacity, build_neighbors
from limlff.potential_file import load_potential, potential_digest, save_potential
from limlff.training.recipe import Recipe

FUZZ = settings(
    max_examples=100,
    deadline=20_000,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def refused_in_one_line(capsys: pytest.CaptureFixture[str], words: list[object]) -> str:
    code = main([str(word) for word in words])
    message = capsys.readouterr().err
    assert code == 2, message
    assert message.count("\n") == 1 and "Traceback" not in message
    return message


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["npt", "nve", "li", "isotropic", "x", "deposit", "remove", "moment", "Li"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


def settings_of(kind: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings that mostly use known keys, two levels deep, with any values."""
    keys = st.sampled_from(sorted(kind.model_fields))
    inner = {
        key
        for field in kind.model_fields.values()
        if hasattr(field.annotation, "model_fields")
        for key in field.annotation.model_fields
    }
    section = st.dictionaries(st.sampled_from(sorted(inner or {"a"})), VALUES, max_size=3)
    return st.dictionaries(keys, VALUES | section, max_size=6)


@FUZZ
@given(content=settings_of(MDConfig))
@example(content={"steps": 1, "seed": 10**30})
@example(content={"steps": 10**400})
@example(content={"steps": 1, "timestep_fs": math.inf})
@example(content={"steps": 1, "temperature_k": math.nan})
def test_any_md_settings_are_taken_or_refused(content):
    """And those taken hold only finite numbers."""
    try:
        config = parse_config({"steps": 5, **content}, MDConfig, "md.yaml")
    except InputError as error:
        assert str(error).startswith("md.yaml: ")
    else:
        assert finite(config.model_dump())


@FUZZ
@given(content=settings_of(Recipe))
@example(content={"epochs": math.inf})
@example(content={"model": {"architecture": "moment", "cutoff": "wide"}})
def test_any_recipe_is_taken_or_refused(content):
    try:
        recipe = parse_config({"elements": ["Li"], "data": [], **content}, Recipe, "recipe.yaml")
        build_model({**recipe.model, "elements": recipe.elements})
    except InputError as error:
        assert str(error)


@FUZZ
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@example(content=b"steps: 5\nsteps: [")
@example(content=b"\xff\xfe")
@example(content=b"&a [*a]")
@example(content=b"!!python/object/apply:os.system ['true']")
def test_any_bytes_as_configuration_are_refused(tmp_path, capsys, content):
    path = tmp_path / "md.yaml"
    path.write_bytes(content)
    refused_in_one_line(capsys, ["md", path, "--out", tmp_path / "out", "--quiet"])
    refused_in_one_line(capsys, ["train", path, "--out", tmp_path / "out", "--quiet"])


@FUZZ
@given(override=st.text(max_size=30))
@example(override="output.thermo_every.x=3")
@example(override="steps=[")
@example(override="=3")
@example(override="events=[{kind: deposit}]")
def test_any_override_is_taken_or_refused(tmp_path, capsys, override):
    path = tmp_path / "md.yaml"
    path.write_text("steps: 5\n")  # no structure: refused in any case, but never with a traceback
    words = ["md", path, "--out", tmp_path / "out", "--quiet", f"--set={override}"]
    refused_in_one_line(capsys, words)


@pytest.fixture(scope="module")
def potential_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("potential") / "small.limlff"
    save_potential(small_moment(), path)
    return path


@st.composite
def damages(draw: st.DrawFn) -> Any:
    """A change of a file's bytes."""
    kind = draw(st.sampled_from(["flip", "cut", "zero", "insert"]))
    place = draw(st.floats(0.0, 1.0, exclude_max=True))
    bit, length = draw(st.integers(0, 7)), draw(st.integers(1, 64))

    def damage(content: bytes) -> bytes:
        at, changed = int(place * len(content)), bytearray(content)
        if kind == "flip":
            changed[at] ^= 1 << bit
        elif kind == "cut":
            del changed[at:]
        elif kind == "zero":
            changed[at : at + length] = b"\0" * len(changed[at : at + length])
        else:
            changed[at:at] = b"\x55" * length
        return bytes(changed)

    return damage


@FUZZ
@given(damage=damages())
def test_damaged_potential_is_refused_or_the_same(tmp_path, potential_file, damage):
    """A bit that nothing depends on may change, as in a time stamp; a number may not."""
    path = tmp_path / "damaged.limlff"
    path.write_bytes(damage(potential_file.read_bytes()))
    try:
        found = load_potential(path)
    except InputError as error:
        assert "damaged.limlff" in str(error) and "\n" not in str(error)
    else:
        assert potential_digest(found) == potential_digest(load_potential(potential_file))


@pytest.fixture(scope="module")
def checkpoint_file(tmp_path_factory) -> Path:
    rng, atoms = np.random.default_rng(0), 20
    state = initial_state(
        rng.normal(size=(atoms, 3)), rng.normal(size=(atoms, 3)), np.eye(3) * 9, np.arange(2), 3
    )
    checkpoint = Checkpoint(
        state=state,
        numbers=np.full(atoms, 3),
        masses=np.full(atoms, 6.94),
        mobile=np.ones(atoms),
        periodic=np.ones(3, bool),
        list_positions=rng.normal(size=(atoms, 3)),
        list_cell=np.eye(3) * 9,
        capacity=Capacity(40, 128),
        written={"thermo_bytes": 12, "frames": 1},
        event_counts=np.zeros(0, np.int64),
        above_since=np.full(atoms, -1),
        conserved=1.5,
        config="{}",
        potential="abc",
    )
    folder = tmp_path_factory.mktemp("checkpoints")
    write_checkpoint(folder, checkpoint)
    return checkpoint_files(folder)[0]


@FUZZ
@given(damage=damages())
def test_damaged_checkpoint_is_always_noticed(tmp_path, checkpoint_file, damage):
    content = checkpoint_file.read_bytes()
    path = tmp_path / checkpoint_file.name
    path.write_bytes(damage(content))
    if path.read_bytes() == content:
        return
    with pytest.raises(DamagedCheckpoint):
        read_checkpoint(path)


@FUZZ
@given(content=st.binary(max_size=2000), others=st.booleans())
def test_any_bytes_as_checkpoint_end_resume_in_one_line(tmp_path, capsys, content, others):
    folder = tmp_path / "run" / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"step_{10:012d}.h5").write_bytes(content)
    (folder / f"step_{20:012d}.h5").write_bytes(content if others else b"")
    refused_in_one_line(capsys, ["resume", folder.parent, "--quiet"])


NUMBERS = st.floats(-30.0, 30.0) | st.sampled_from([0.0, 1e-300, 1e12, -1e12, math.nan, math.inf])


@FUZZ
@given(
    positions=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=0, max_size=6),
    cell=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=3, max_size=3),
    periodic=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
@example(positions=[(0, 0, 0)], cell=[(1e12, 0, 0), (0, 1, 0), (0, 0, 1)], periodic=(1, 1, 1))
@example(positions=[(0, 0, 0)], cell=[(0.01, 0, 0), (0, 0.01, 0), (0, 0, 9)], periodic=(1, 1, 1))
@example(positions=[(0, 0, 0)], cell=[(5, 0, 0), (5, 1e-5, 0), (0, 0, 5)], periodic=(1, 1, 1))
@example(positions=[(1e12, 0, 0)], cell=[(5, 0, 0), (0, 5, 0), (0, 0, 5)], periodic=(1, 1, 1))
def test_any_structure_is_refused_or_has_neighbors(positions, cell, periodic):
    config = MDConfig(steps=5)
    atoms = Atoms(f"Li{len(positions)}", positions, cell=cell, pbc=periodic)
    try:
        structure = check_structure(atoms, config)
        full = atoms.cell.complete().array
        neighbors, _ = build_neighbors(atoms.positions, full, structure.periodic, 4.0)
    except InputError as error:
        assert "\n" not in str(error)
        return
    mask = np.asarray(neighbors.mask)
    assert mask.sum() < 1_000_000
    if not any(periodic):
        distances = np.linalg.norm(atoms.positions[:, None] - atoms.positions[None], axis=2)
        assert mask.sum() == (distances < 4.0).sum() - len(atoms)


@FUZZ
@given(damage=damages(), suffix=st.sampled_from(["extxyz", "cif", "vasp", "xyz"]))
def test_damaged_structure_file_is_refused_or_read(tmp_path, damage, suffix):
    atoms = bulk("Li", "bcc", a=3.44, cubic=True)
    path = tmp_path / f"start.{suffix}"
    ase.io.write(path, atoms)
    path.write_bytes(damage(path.read_bytes()))
    try:
        check_structure(read_structure(path), MDConfig(steps=5))
    except InputError as error:
        assert "start." in str(error)


WORDS = st.sampled_from(
    ["nan", "inf", "-1", "0", "200", "3.7", "1e300", "-1e400", "9" * 400, "1_0", "1+2j",
     "2020-01-01",
     "", "T", "é", "²", "\0", "a" * 9000, '"', "'", "[", "{", "=", "a=[", "\n", "\x85",
     "REF_energy=1"]
) | st.text(max_size=5)  # fmt: skip
"""What stands in text files where it should not: extremes, other kinds, signs of the format."""

VALUES_OF_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.sampled_from(["x", "-3.8", "Li", "X"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "element"]), inner)
    ),
    max_leaves=5,
)
EXTENDED = [
    "2", "\n", 'Lattice="', "3.4", " ", "0", " 0 ", "0", " 3.4 0 0 0 3.4", '" ', "Properties=",
    "species", ":", "S", ":", "1", ":pos:", "R", ":", "3", ":forces:R:3 ", "energy=", "-3.8",
    ' pbc="',
    "T", ' T T" ', 'virial="', "0", ' 0 0 0 0 0 0 0 0"', "\n", "Li", " 0 0 ", "0", " 0 0 0", "\n",
    "Li 1.7 1.7 1.7 0 0 ", "0", "\n",
]  # fmt: skip
"""A frame of extended XYZ in pieces, each of which may become something else."""


def frames_are_right_or_refused(path: Path) -> None:
    """What is read has energies, elements, and places that can be; the rest is refused by name."""
    try:
        frames = read_frames(path)
    except InputError as error:
        assert "\n" not in str(error) and len(str(error)) < 1000
        return
    for frame in frames:
        assert set(frame.numbers.tolist()) <= set(range(1, 119))
        assert np.isfinite(frame.positions).all() and np.abs(frame.positions).max() <= 1e6
        assert frame.forces is None or frame.forces.shape == frame.positions.shape
        assert frame.energy is None or type(frame.energy) is float


@FUZZ
@given(changes=st.dictionaries(st.integers(0, len(EXTENDED) - 1), WORDS, max_size=3))
@example(changes={6: "nan"})
@example(changes={11: "Z", 13: "R", 30: "200"})
@example(changes={13: "R", 30: "3"})
def test_any_words_in_extended_xyz(tmp_path, changes):
    words = [changes.get(place, word) for place, word in enumerate(EXTENDED)]
    (tmp_path / "a.extxyz").write_text("".join(words), encoding="utf-8")
    frames_are_right_or_refused(tmp_path / "a.extxyz")


@FUZZ
@given(where=st.integers(0, 10), value=VALUES_OF_JSON)
def test_any_values_in_mlearn_json(tmp_path, where, value):
    site: dict[str, Any] = {"species": [{"element": "Li", "occu": 1}], "abc": [0, 0, 0]}
    structure: dict[str, Any] = {
        "lattice": {"matrix": [[3.4, 0, 0], [0, 3.4, 0], [0, 0, 3.4]]},
        "sites": [site],
    }
    outputs: dict[str, Any] = {
        "energy": -1.9, "forces": [[0.0, 0.0, 0.0]], "virial_stress": [0.0] * 6
    }  # fmt: skip
    entry: dict[str, Any] = {"structure": structure, "outputs": outputs, "group": "g"}
    places: list[tuple[Any, Any]] = [
        (entry, "structure"), (entry, "outputs"), (entry, "group"), (structure, "lattice"),
        (structure, "sites"), (structure["lattice"], "matrix"), (site, "species"), (site, "abc"),
        (outputs, "energy"), (outputs, "forces"), (outputs, "virial_stress"),
    ]  # fmt: skip
    holder, key = places[where]
    holder[key] = value
    (tmp_path / "a.json").write_text(json.dumps([entry]))
    frames_are_right_or_refused(tmp_path / "a.json")


KINDS = ["f8", "f2", ">f4", "i8", "u8", "?", "c16", "M8[s]", "m8[s]", "U3", "S3", "O", "f8,i4"]


@FUZZ
@given(
    name=st.sampled_from(["coord", "box", "energy", "force", "virial", "real_atom_types"]),
    shape=st.lists(st.sampled_from([0, 1, 2, 3, 6, 9]), max_size=3),
    kind=st.sampled_from(KINDS),
    fill=st.sampled_from([0, 1, -1, 3.7, math.nan, math.inf, 1e300]),
)
def test_any_arrays_in_deepmd_folders(tmp_path, name, shape, kind, fill):
    folder = tmp_path / "system" / "set.000"
    folder.mkdir(parents=True, exist_ok=True)
    (folder.parent / "type.raw").write_text("0\n0\n")
    (folder.parent / "type_map.raw").write_text("Li\n")
    for file in folder.iterdir():
        file.unlink()
    np.save(folder / "coord.npy", [[0, 0, 0, 1.7, 1.7, 1.7]] * 2)
    np.save(folder / "box.npy", [np.eye(3).ravel() * 3.4] * 2)
    array = np.zeros(shape, kind)
    if array.dtype.kind in "fc":
        array[...] = fill
    np.save(folder / f"{name}.npy", array)
    frames_are_right_or_refused(tmp_path / "system")


@pytest.fixture(scope="module")
def store_file(tmp_path_factory) -> Path:
    places = np.array([[0, 0, 0], [1.7, 1.7, 1.7]])
    frame = Frame(np.array([3, 3]), places, np.eye(3) * 3.4, np.ones(3, bool), -3.8, places)
    path = tmp_path_factory.mktemp("store") / "a.h5"
    write_store([frame] * 4, path)
    return path


@FUZZ
@given(damage=damages())
def test_damaged_store_is_refused_or_the_same(tmp_path, store_file, damage):
    path = tmp_path / "a.h5"
    path.write_bytes(damage(store_file.read_bytes()))
    try:
        found = read_frames(path)
    except InputError as error:
        assert "a.h5" in str(error) and "\n" not in str(error)
    else:
        assert frames_digest(found) == frames_digest(read_frames(store_file))


def test_settings_that_are_taken_can_be_written_and_read_back():
    config = MDConfig.model_validate(
        {"steps": 5, "events": [{"kind": "remove", "every": 3, "above_z_angstrom": 9.0}]}
    )
    text = yaml.safe_dump(config.model_dump(mode="json"))
    assert parse_config(yaml.safe_load(text), MDConfig, "again") == config
