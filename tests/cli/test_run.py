"""`limlff run` from the command line: one small study from end to end, and input it must refuse."""

import json
import math

import numpy as np
import pytest

from limlff.cli.main import main

SMALL = [
    "repeats=[4,4,4]",
    "hole.missing_atoms=9",
    "near_angstrom=2.5",
    "reference={equilibration_ps: 0.1, duration_ps: 0.4}",
    "dynamics={duration_ps: 0.6, frame_every_ps: 0.05}",
    "mobility_lag_ps=0.1",
    "max_runtime_minutes=30",
]


def run(out, *changes, study="healing/quick"):
    words = ["run", study, "--out", str(out), "--quiet"]
    for change in changes:
        words += ["--set", change]
    return main(words)


def test_a_small_study_from_end_to_end(tmp_path, capsys):
    """Both pressures at the same time; numbers, pictures and page agree with one another."""
    assert run(tmp_path / "study", *SMALL) == 0
    printed = capsys.readouterr().out
    assert "index.html" in printed and "At 1 GPa and 300 K" in printed

    content = json.loads((tmp_path / "study" / "healing.json").read_text())
    assert content["summary"] in printed
    assert [r["pressure_gpa"] for r in content["runs"]] == [0.0, 1.0]
    for result in content["runs"]:
        series = result["series"]
        assert result["atoms"] == 2 * 4**3 - 9
        assert result["ended"] == "duration reached"
        np.testing.assert_allclose(series["time_ps"], np.arange(13) * 0.05, atol=1e-9)
        assert series["missing_atoms"][0] == pytest.approx(9, abs=3)  # the crystal vibrates
        assert series["missing_atoms_of_cell"][0] == pytest.approx(9, abs=6)
        assert all(math.isfinite(value) for value in series["bcc_near"])
        assert 3.3 < result["perfect_crystal"]["lattice_constant"] < 3.6
    crystals = [r["perfect_crystal"]["volume_per_atom"] for r in content["runs"]]
    assert crystals[0] > crystals[1]  # 1 GPa compresses

    page = (tmp_path / "study" / "index.html").read_text(encoding="utf-8")
    assert content["runs"][0]["name"] == "hole-0-GPa"
    assert page.count("data:image/png;base64,") == 5
    for name in ("snapshots", "missing-atoms", "void-volume", "disorder", "mobility"):
        assert (tmp_path / "study" / f"{name}.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("study", "changes", "words"),
    [
        ("healing/quik", [], "did you mean 'healing/quick'"),
        ("healing/quick", ["hole.missing_atom=3"], "did you mean 'missing_atoms'"),
        ("healing/quick", ["study=heeling"], "study"),
        ("healing/quick", ["element=Xe"], "knows only"),
        ("healing/quick", ["potential=no-such"], "no-such"),
    ],
)
def test_bad_input_is_refused_in_one_line(tmp_path, capsys, study, changes, words):
    assert run(tmp_path / "study", *changes, study=study) == 2
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1


def test_a_file_of_another_study_is_refused_by_name(tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text("study: heeling\n")
    assert run(tmp_path / "out", study=str(tmp_path / "mine.yaml")) == 2
    assert "did you mean 'healing'" in capsys.readouterr().err


def test_results_are_not_overwritten_unasked(tmp_path, capsys):
    (tmp_path / "healing.json").write_text("{}")
    assert run(tmp_path) == 2
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "healing.json").read_text() == "{}"
