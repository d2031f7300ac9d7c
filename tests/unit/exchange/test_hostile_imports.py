"""Files of other codes that are damaged or were made to do harm: one line, soon, and no memory."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import jax
import numpy as np
import pytest

from limlff.cli.main import main
from limlff.exchange.deepmd import export_deepmd
from limlff.exchange.mtp import export_mtp
from limlff.models.deepmd import DeepPotSE
from limlff.models.mtp import MomentTensorPotential
from limlff.potential import Potential

DEEPMD = DeepPotSE(("Li",), sel=(9,), embedding=(2, 4), axis=2, fitting=(4, 4))
MTP = MomentTensorPotential(("Li",), level=6, radial=3)


def untrained(model: Any) -> Potential:
    return Potential(model, model.initialize(jax.random.key(0)), np.zeros(1))


@pytest.fixture(scope="module")
def texts(tmp_path_factory) -> dict[str, bytes]:
    """Files of one model by their suffix."""
    folder = tmp_path_factory.mktemp("whole")
    for suffix in ("dp", "yaml"):
        export_deepmd(untrained(DEEPMD), folder / f"Li.{suffix}")
    export_mtp(untrained(MTP), folder / "Li.mtp")
    return {path.suffix[1:]: path.read_bytes() for path in folder.iterdir()}


def refused(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    begun = time.perf_counter()
    code = main(["import", str(path), str(path.with_suffix(".limlff"))])
    message = capsys.readouterr().err
    assert code == 2, message
    assert message.count("\n") == 1 and message[:-1].isprintable() and len(message) < 900
    assert path.name in message
    assert not path.with_suffix(".limlff").exists()
    assert time.perf_counter() - begun < 20
    return message


def replaced(**arguments: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        name = next(iter(file))
        del file[name]
        file.create_dataset(name, **arguments)

    return change


def linked(link: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        name = next(iter(file))
        del file[name]
        file[name] = link

    return change


def json_of(text: Any) -> Callable[[h5py.File], None]:
    return lambda file: file.attrs.__setitem__("json", text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (replaced(shape=(10**13,), dtype="f8", chunks=(1024,)), "float64[10000000000000]"),
        (replaced(data=np.array([b"text"])), "|S4"),
        (replaced(data=h5py.Empty("f8")), "variable"),
        (replaced(data=np.array([[np.nan] * 4] * 4)), "LI.dp"),
        (linked(h5py.SoftLink("/variable_0000")), "has no array"),
        (linked(h5py.ExternalLink("/dev/zero", "/x")), "has no array"),
        (lambda file: file.attrs.__delitem__("json"), "json"),
        (json_of(np.arange(5)), "cannot be read"),
        (json_of("[" * 30_000 + "]" * 30_000), "nested"),
        (json_of('{"model": {}, "model": {}}'), "twice"),
        (json_of('{"model": 5}'), "holds no model"),
    ],
)
def test_graph_in_hdf5_holds_its_own_arrays_of_numbers(tmp_path, texts, capsys, change, message):
    path = tmp_path / "LI.dp"
    path.write_bytes(texts["dp"])
    with h5py.File(path, "r+") as file:
        change(file)
    assert message in refused(path, capsys)


ALIASES = "a0: &a0 [x, x]\n" + "".join(
    f"a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * 10)}]\n" for i in range(12)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ALIASES + "model: *a12\n", "values"),
        ("model: &x {again: *x}", "nested"),
        ("[" * 100_000, "nesting"),
        ("- " * 100_000, "nesting"),
        ("model: 2001-99-99", "month"),
        ('!!python/object/apply:os.system ["true"]', "cannot be read"),
        ("\xff", "model of DeePMD-kit"),
        ("", "no mapping"),
    ],
)
def test_graph_in_yaml_is_bounded(tmp_path, capsys, text, message):
    path = tmp_path / "Li.yaml"
    path.write_text(text, encoding="utf-8")
    assert message in refused(path, capsys)


@pytest.mark.parametrize(
    "line", ["a" * 10**6, "{" * 10**6, "1" * 10**6, "{a" * 10**6, "1-" * 10**6]
)
def test_long_line_of_a_moment_tensor_potential_takes_no_minutes(tmp_path, capsys, line):
    path = tmp_path / "Li.mtp"
    path.write_text(f"MTP\n{line}\n")
    assert "damaged" in refused(path, capsys)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("scaling", "nan", "not finite"),
        ("max_dist", "1e300", "cutoff"),
        ("min_dist", "7.0", "shortest"),
        ("radial_basis_size", "4", "shape"),
        ("species_count", "9" * 5000, "damaged"),
        ("alpha_index_times", "{{0, 99, 1, 5}}", "products"),
        ("alpha_moment_mapping", "{99999}", "scalars"),
        ("moment_coeffs", "{1e400}", "damaged"),
        ("moment_coeffs", "{" * 3000, "damaged"),
    ],
)
def test_value_of_a_moment_tensor_potential_is_checked(
    tmp_path, texts, capsys, name, value, message
):
    path = tmp_path / "Li.mtp"
    lines = texts["mtp"].decode().splitlines()
    [place] = [i for i, line in enumerate(lines) if line.split("=")[0].strip() == name]
    lines[place] = f"{name} = {value}"
    path.write_text("\n".join(lines))
    assert message in refused(path, capsys)


@pytest.mark.parametrize("suffix", ["dp", "yaml", "mtp"])
def test_what_is_no_file_is_not_waited_for(tmp_path, capsys, suffix):
    path = tmp_path / f"Li.{suffix}"
    os.mkfifo(path)
    assert "named pipe" in refused(path, capsys)


def test_sizes_of_nets_are_those_of_the_settings(tmp_path, texts, capsys):
    path = tmp_path / "Li.dp"
    path.write_bytes(texts["dp"])
    with h5py.File(path, "r+") as file:
        tree = json.loads(file.attrs["json"])
        tree["model"]["descriptor"]["axis_neuron"] = 3
        file.attrs["json"] = json.dumps(tree)
    assert "shape" in refused(path, capsys)


def test_card_of_a_potential_decides_nothing_that_a_graph_cannot_hold(tmp_path):
    card = {"deepmd": {"precision": {"descriptor": "object"}, "min_nbor_dist": [], "out_std": 3}}
    potential = Potential(DEEPMD, DEEPMD.initialize(jax.random.key(0)), np.zeros(1), card)
    export_deepmd(potential, tmp_path / "card.dp")
    with h5py.File(tmp_path / "card.dp") as file:
        assert json.loads(file.attrs["json"])["model"]["descriptor"]["precision"] == "float64"
