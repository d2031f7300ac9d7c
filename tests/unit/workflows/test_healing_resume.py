"""A healing study that died goes on to the same numbers, bit for bit."""

from __future__ import annotations

import math
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest

from limlff.errors import OutOfTime
from limlff.workflows.healing.config import HealingConfig
from limlff.workflows.healing.simulate import Outcome, simulate_all

CONFIG = HealingConfig.model_validate(
    {
        "repeats": (3, 3, 3),
        "hole": {"missing_atoms": 4},
        "reference": {"equilibration_ps": 0.1, "duration_ps": 0.3},
        "dynamics": {"duration_ps": 0.8, "frame_every_ps": 0.02, "barostat_tau_fs": 300.0},
        "pressures_gpa": [1.0],
        "mobility_lag_ps": 0.1,
        "processes": 1,
        "max_runtime_minutes": 30.0,
    }
)


def numbers(outcome: Outcome) -> dict:
    """All but the speed."""
    found = asdict(outcome)
    found.pop("speed")
    return {**found, "series": outcome.series.to_json()}


def show(name: str, time_ps: float, missing: float) -> None:
    """Shows nothing."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, Outcome]:
    out = tmp_path_factory.mktemp("whole")
    return out, simulate_all(CONFIG, out, show)[0]


def same_files(one: Path, two: Path) -> None:
    for folder in ("crystal-1-GPa", "hole-1-GPa"):
        for name in ("thermo.csv", "final.extxyz"):
            assert (one / folder / name).read_bytes() == (two / folder / name).read_bytes()


@pytest.mark.parametrize("died_in", ["crystal-1-GPa", "hole-1-GPa"])
def test_resumed_study_gives_the_same_numbers(whole, tmp_path, died_in):
    """Killed in the perfect crystal, or with a hole half closed."""
    folder, expected = whole
    out = tmp_path / "study"

    def die(name: str, time_ps: float, missing: float) -> None:
        if name == died_in and time_ps > 0.3:
            raise OutOfTime("killed")

    with pytest.raises(OutOfTime):
        simulate_all(CONFIG, out, die)
    assert not (out / "hole-1-GPa" / "summary.json").exists()
    found = simulate_all(CONFIG, out, show, resume=True)[0]
    assert math.isfinite(found.crystal.volume_error)
    assert repr(numbers(found)) == repr(numbers(expected))
    same_files(folder, out)


def test_finished_study_is_read_and_not_run_again(whole, tmp_path):
    folder, expected = whole
    out = tmp_path / "study"
    shutil.copytree(folder, out)
    found = simulate_all(CONFIG, out, show, resume=True)[0]
    assert repr(numbers(found)) == repr(numbers(expected))
    same_files(folder, out)
