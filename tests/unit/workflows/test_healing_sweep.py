"""A sweep whose runs share a crystal: computed once, waited for, and the same after a kill."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from limlff.errors import OutOfTime
from limlff.folder_lock import locked
from limlff.md.output.names import THERMO, TRAJECTORY
from limlff.md.output.thermo import read_thermo
from limlff.md.output.trajectory import Trajectory
from limlff.workflows import results
from limlff.workflows.healing.config import HealingConfig
from limlff.workflows.healing.simulate import _wait_for
from limlff.workflows.healing.study import HealingStudy
from limlff.workflows.runs import simulate_all
from limlff.workflows.workspace import News, Workspace

STUDY = HealingStudy()
CONFIG = HealingConfig.model_validate(
    {
        "repeats": (3, 3, 3),
        "sweep": {"missing_atoms": [4], "seeds": 2},
        "reference": {"equilibration_ps": 0.1, "duration_ps": 0.2},
        "dynamics": {"duration_ps": 0.5, "frame_every_ps": 0.02, "barostat_tau_fs": 300.0},
        "pressures_gpa": [1.0],
        "mobility_lag_ps": 0.1,
        "processes": 1,
        "max_runtime_minutes": 30.0,
    }
)


def show(news: News) -> None:
    """Shows nothing."""


def numbers(out: Path, outcomes: list, monkeypatch) -> dict:
    """What the JSON of a study says of these runs, but for times of the computer."""
    monkeypatch.setattr(results, "simulate_all", lambda *arguments: outcomes)
    result = results.compute_study(STUDY, CONFIG, out, progress=False, resume=True)
    assert "Kaplan" in result.page.read_text(encoding="utf-8")
    content = json.loads(result.numbers.read_text())
    content.pop("wall_minutes")
    for run in content["runs"]:
        run.pop("microseconds_per_atom_step")
    return content


def test_sweep_killed_halfway_goes_on_to_the_same_numbers(tmp_path, monkeypatch):
    """In the second run, which begins in the crystal of the first one."""
    steps = []
    whole = simulate_all(STUDY, CONFIG, tmp_path / "whole", lambda news: steps.append(news.folder))
    # shown once as it grows, and once more to the second run, which does not compute it again
    assert steps.count("crystal-4-1-GPa") == 2 * 16
    crystal, hole = (
        (tmp_path / "whole" / name / TRAJECTORY).stat().st_mtime
        for name in ("crystal-4-1-GPa", "hole-4-sphere-1-GPa-seed1")
    )
    assert crystal < hole

    def die(news: News) -> None:
        if news.folder.endswith("seed2") and news.time_ps > 0.2:
            raise OutOfTime("killed")

    with pytest.raises(OutOfTime):
        simulate_all(STUDY, CONFIG, tmp_path / "killed", die)
    resumed = simulate_all(STUDY, CONFIG, tmp_path / "killed", show, resume=True)
    expected = numbers(tmp_path / "whole", whole, monkeypatch)
    assert numbers(tmp_path / "killed", resumed, monkeypatch) == expected
    first, second = expected["runs"]
    assert first["series"]["missing_atoms"] != second["series"]["missing_atoms"]
    assert first["perfect_crystal"] == second["perfect_crystal"]
    assert expected["cases"][0]["missing_atoms"] == 4 and len(expected["claims"]) == 4


def workspace(out: Path, seconds: float, tell) -> Workspace:
    return Workspace(out, "80-1-GPa", time.monotonic() + seconds, True, tell)


def test_a_run_waits_for_the_crystal_at_which_another_one_is_at_work(tmp_path):
    held, heard = ExitStack(), []

    def tell(news: News) -> None:
        heard.append(news.note)
        held.close()  # the other one is done

    held.enter_context(locked(tmp_path / "crystal-80-1-GPa" / "shared"))
    with ExitStack() as stack:
        _wait_for(workspace(tmp_path, 60, tell), stack)
        assert heard == ["waits for it"]


def test_a_run_whose_time_is_up_while_it_waits_says_so(tmp_path):
    with (
        locked(tmp_path / "crystal-80-1-GPa" / "shared"),
        ExitStack() as stack,
        pytest.raises(OutOfTime, match="increase max_runtime_minutes"),
    ):
        _wait_for(workspace(tmp_path, -1, show), stack)


def test_a_crystal_between_plates_gives_way_along_z_alone_by_its_elastic_constant(tmp_path):
    """1 GPa along z at fixed sides is a strain of -1 / C11, 14 to 16 GPa: 0.06 to 0.07, and the
    edge of 128 atoms fluctuates by 0.01. The sides keep what they were without pressure, and press
    back with C12 / C11 of it."""
    settings = HealingConfig.model_validate(
        {
            "repeats": (4, 4, 4),
            "hole": {"missing_atoms": 4},
            "reference": {"equilibration_ps": 0.6, "duration_ps": 1.5},
            "dynamics": {
                "duration_ps": 0.3,
                "timestep_fs": 3,
                "frame_every_ps": 0.03,
                "barostat_tau_fs": 100,
                "coupling": "uniaxial",
            },
            "pressures_gpa": [1.0],
            "mobility_lag_ps": 0.1,
            "processes": 1,
            "max_runtime_minutes": 30.0,
        }
    )
    simulate_all(STUDY, settings, tmp_path, show)
    edges = {}
    for stage in ("sides", "crystal", "hole"):
        with Trajectory(tmp_path / f"{stage}-1-GPa" / TRAJECTORY) as trajectory:
            edges[stage] = np.array([np.diag(frame.cell) for frame in trajectory])
    free, pressed = edges["sides"][20:].mean(axis=0), edges["crystal"][20:]
    np.testing.assert_allclose(pressed[:, :2], np.tile(free[:2], (len(pressed), 1)), rtol=1e-9)
    np.testing.assert_allclose(edges["hole"][:, :2], edges["crystal"][:11, :2], rtol=1e-9)
    strain = np.log(pressed[:, 2].mean() / free.mean())
    assert -0.10 < strain < -0.035
    thermo = read_thermo(tmp_path / "crystal-1-GPa" / THERMO)
    late = np.asarray(thermo["time_fs"]) >= 600
    along, across = (np.asarray(thermo[f"pressure_{a}{a}_gpa"])[late].mean() for a in "zx")
    assert along == pytest.approx(1.0, abs=0.25)
    assert 0.5 < across < 1.1
