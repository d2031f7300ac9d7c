"""`limlff md` from a configuration file to a folder of results."""

from __future__ import annotations

import ase.io
import pytest
import yaml
from md_models import COPPER, copper

from limlff.cli.arguments import parse_duration
from limlff.cli.main import main
from limlff.errors import InputError

SETTINGS = {
    "structure": "crystal.extxyz",
    "steps": 20,
    "temperature_k": 300,
    "dtype": "float64",
    "skin_angstrom": 0.5,
    "output": {"thermo_every": 5, "trajectory_every": 10},
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A configuration beside its structure; the potential by the name `copper`."""
    monkeypatch.setattr("limlff.named_potential.load", lambda name: COPPER)
    ase.io.write(tmp_path / "crystal.extxyz", copper())
    (tmp_path / "md.yaml").write_text(yaml.safe_dump({"potential": "copper", **SETTINGS}))
    return tmp_path


def run(folder, *arguments):
    out = str(folder / "out")
    return main(["md", *arguments, "--out", out, "--quiet"])


def test_run_then_refusal_then_force(folder, capsys):
    config = str(folder / "md.yaml")
    assert run(folder, config, "--set", "ensemble.kind=nve", "--set", "steps=10") == 0
    assert "10 steps of 32 atoms" in capsys.readouterr().out
    written = yaml.safe_load((folder / "out" / "md.yaml").read_text())
    assert written["ensemble"]["kind"] == "nve"
    assert run(folder, config) == 2
    error = capsys.readouterr().err
    assert "holds a run already" in error
    assert error.count("\n") == 1
    assert run(folder, config, "--force") == 0
    assert "20 steps of 32 atoms" in capsys.readouterr().out


def test_time_limit_and_resume(folder, capsys):
    assert run(folder, str(folder / "md.yaml"), "--max-runtime", "0") == 4
    assert "limlff resume" in capsys.readouterr().err
    assert main(["resume", str(folder / "out"), "--quiet"]) == 0
    assert "20 steps" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "temprature_k=1"], "did you mean 'temperature_k'?"),
        (["--set", "ensemble.kind=npt", "--set", "ensemble.coupling=uniaxial"], "'axis'"),
        (["--set", "timestep_fs=-1"], "timestep_fs"),
        (["--set", "structure=missing.cif"], "cannot be read as a structure"),
        (["--max-runtime", "soon"], "is no duration"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(folder, capsys, arguments, message):
    assert run(folder, str(folder / "md.yaml"), *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90.0), ("90s", 90.0), ("1.5m", 90.0), ("1.5h", 5400.0), ("2d", 172800.0), ("0", 0.0)],
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds
    with pytest.raises(InputError):
        parse_duration("-" + text)


@pytest.mark.parametrize("text", ["", "soon", "-5s", "nan", "inf", "1e3", "٣", "9" * 400 + "d"])
def test_what_is_no_duration_is_refused_by_all_commands(text, capsys):
    for words in (["md", "x.yaml", "--out", "x"], ["resume", "x"], ["train", "x.yaml"]):
        assert main([*words, f"--max-runtime={text}"]) == 2
        message = capsys.readouterr().err
        assert "is no duration" in message and message.count("\n") == 1 and len(message) < 250
