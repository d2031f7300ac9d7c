"""Two runs that many tests begin with: a whole one, and one that died on its way."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from md_models import COPPER, copper, settings
from md_runs import CHANGES, stopped_at

from limlff.errors import OutOfTime
from limlff.md.output.checkpoint import read_checkpoint
from limlff.md.runner import run_md


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A run that nothing happened to."""
    out = tmp_path_factory.mktemp("whole") / "run"
    run_md(settings(**CHANGES), out, copper(), COPPER, progress=False)
    return out


@pytest.fixture
def died(whole, tmp_path) -> Path:
    """The same run, dead somewhere after step 55, with checkpoints of steps 20 and 40."""
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    last = out / "checkpoints" / f"step_{60:012d}.h5"
    checkpoint = replace(read_checkpoint(last), state=replace(read_checkpoint(last).state))
    assert checkpoint.step == 60
    last.unlink()
    again = tmp_path / "again"
    with pytest.raises(OutOfTime):
        stopped_at(again, 20)
    shutil.copy(again / "checkpoints" / f"step_{20:012d}.h5", out / "checkpoints")
    (out / "summary.json").unlink()
    return out
