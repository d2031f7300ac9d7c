"""Going on with a run after every kind of accident: what is said, and that nothing is lost."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import yaml
from md_models import COPPER, copper, settings
from md_runs import CHANGES, go_on, same_run, stopped_at

from limlff.errors import GuardStop, InputError, OutOfTime
from limlff.folder_lock import LOCK, locked
from limlff.md.output.checkpoint import checkpoint_files, read_checkpoint, write_checkpoint
from limlff.md.output.thermo import read_thermo
from limlff.md.output.trajectory import Trajectory
from limlff.md.resume import resume_md
from limlff.md.runner import run_md


def test_sigusr1_leaves_a_run_that_goes_on_to_the_same_end(whole, tmp_path):
    out = tmp_path / "run"
    with pytest.raises(OutOfTime, match=r"left at step 20 of 60 .* because of SIGUSR1, .*resume"):
        stopped_at(out, 20)
    go_on(out)
    same_run(whole, out)


@pytest.mark.parametrize("progress", [False, True], ids=["first forces", "forecast"])
def test_run_killed_before_its_first_forces_starts_again_from_its_folder(whole, tmp_path, progress):
    """The checkpoint of the initial state is there before anything is compiled."""
    out = tmp_path / "run"

    class Killed(BaseException):
        pass

    def die(*arguments):
        raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr("limlff.md.simulation.engine.Engine.advance", die)
        run_md(settings(**CHANGES), out, copper(), COPPER, progress=progress)
    go_on(out)
    same_run(whole, out)


@pytest.mark.parametrize("name", ["SIGHUP", "SIGXCPU"])
def test_signals_that_come_while_the_forecast_compiles_leave_the_run_at_its_start(
    whole, tmp_path, monkeypatch, name
):
    def forecast(_) -> str:
        os.kill(os.getpid(), getattr(signal, name))
        os.kill(os.getpid(), signal.SIGINT)  # a second one changes nothing
        return "about a minute"

    monkeypatch.setattr("limlff.md.run.run.make_forecast", forecast)
    out = tmp_path / "run"
    with pytest.raises(OutOfTime, match=rf"left at step 0 of 60 .* because of {name}, .*resume"):
        run_md(settings(**CHANGES), out, copper(), COPPER)
    go_on(out)
    same_run(whole, out)


@pytest.mark.parametrize("damage", ["cut short", "one bit", "empty", "trailing"])
def test_damaged_newest_checkpoint_is_passed_over_and_that_is_said(whole, died, caplog, damage):
    newest = checkpoint_files(died / "checkpoints")[-1]
    content = bytearray(newest.read_bytes())
    if damage == "one bit":
        content[len(content) // 2] ^= 1
    newest.write_bytes(
        {
            "cut short": content[: len(content) // 2],
            "one bit": content,
            "empty": b"",
            "trailing": content + b"x",
        }[damage]
    )
    go_on(died)
    same_run(whole, died)
    assert f"{newest}: is damaged" in caplog.text
    assert "going on from step 20" in caplog.text
    assert (died / "checkpoints" / f"damaged_{newest.name}").is_file()


def test_thermo_table_that_lost_rows_leads_to_the_older_checkpoint(whole, died, caplog):
    """As after a power failure, or an editor; the rows are computed again."""
    table = (died / "thermo.csv").read_bytes().splitlines(keepends=True)
    (died / "thermo.csv").write_bytes(b"".join(table[:7]))  # up to step 25
    go_on(died)
    same_run(whole, died)
    assert "thermo.csv is missing or shorter" in caplog.text


def test_nothing_whole_left_is_an_error_that_names_each_reason(died):
    for path in checkpoint_files(died / "checkpoints"):
        path.write_bytes(b"no")
    before = sorted(path.name for path in (died / "checkpoints").iterdir())
    with pytest.raises(
        InputError, match=r"no checkpoint to go on from: .*40.*damaged.*20.*damaged"
    ):
        go_on(died)
    assert sorted(path.name for path in (died / "checkpoints").iterdir()) == before


def test_second_run_in_the_folder_is_refused_and_the_first_goes_on(whole, died):
    with locked(died):
        for attempt in (
            lambda: go_on(died),
            lambda: run_md(settings(**CHANGES), died, copper(), COPPER, False, force=True),
        ):
            with pytest.raises(InputError) as refused:
                attempt()
            assert f"in use by process {os.getpid()} on {socket.gethostname()}" in str(
                refused.value
            )
    go_on(died)
    same_run(whole, died)


def test_lock_of_a_dead_process_is_taken_over(whole, died, caplog):
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from limlff.folder_lock import locked\n"
        "with locked(Path(sys.argv[1])):\n"
        "    print(os.getpid(), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    dead = subprocess.run([sys.executable, "-c", code, str(died)], capture_output=True, text=True)
    assert dead.returncode == -signal.SIGKILL
    assert json.loads((died / LOCK).read_text())["pid"] == int(dead.stdout)
    go_on(died)
    same_run(whole, died)
    assert f"was left by process {int(dead.stdout)} on {socket.gethostname()}" in caplog.text
    assert (died / LOCK).read_text() == ""


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("timestep_fs", 1.0, "timestep_fs was 2.0 and is now 1.0; a run under way cannot change"),
        ("seed", 8, "seed was 7 and is now 8; a run under way"),
        ("temperature_k", 500.0, "temperature_k was 300.0 and is now 500.0; set it back"),
        ("dtype", "float32", "--set dtype="),
    ],
)
def test_changed_settings_are_refused_by_name(died, key, value, message):
    content = yaml.safe_load((died / "md.yaml").read_text())
    (died / "md.yaml").write_text(yaml.safe_dump({**content, key: value}))
    with pytest.raises(InputError, match=message):
        go_on(died)
    assert len(checkpoint_files(died / "checkpoints")) == 2


def test_folder_of_the_time_when_dtype_was_called_precision_goes_on(whole, died):
    """Its settings stand under the old name in md.yaml, in the checkpoints and in the note."""

    def old_name(text: str) -> str:
        return text.replace("dtype", "precision")

    for file in checkpoint_files(died / "checkpoints"):
        checkpoint = read_checkpoint(file)
        write_checkpoint(file.parent, replace(checkpoint, config=old_name(checkpoint.config)))
        assert b'"precision"' in file.read_bytes()
    (died / "md.yaml").write_text(old_name((died / "md.yaml").read_text()))
    go_on(died)
    same_run(whole, died)
    with pytest.raises(InputError, match="unknown key 'precision'; did you mean 'dtype'"):
        go_on(died, overrides=["precision=float32"])


def test_guards_may_be_changed_and_a_lost_md_yaml_is_written_again(whole, died):
    (died / "md.yaml").unlink()
    go_on(died, overrides=["guards.max_temperature_k=5000"])
    same_run(whole, died)
    assert yaml.safe_load((died / "md.yaml").read_text())["guards"]["max_temperature_k"] == 5000


def test_changed_potential_is_refused_unless_it_is_meant(died):
    """With consent the forces are evaluated anew and the conserved quantity has no jump."""
    strong = {**COPPER.parameters, "repulsion": 1.02 * COPPER.parameters["repulsion"]}
    other = replace(COPPER, parameters=strong)
    with pytest.raises(InputError, match=r"another potential .*--accept-changes"):
        resume_md(died, other, progress=False)
    resume_md(died, other, progress=False, accept_changes=True)
    table = read_thermo(died / "thermo.csv")
    assert table["step"].tolist() == list(range(0, 61, 5))
    old, new = table["potential_ev"][8], table["potential_ev"][9]
    assert abs(new - old) > 0.2  # 2 % of the repulsion
    assert np.ptp(table["conserved_ev"]) < 0.05


def test_longer_run_goes_on_from_a_finished_one(whole, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    assert go_on(out, overrides=["steps=80"]).summary["steps"] == 80
    longer = run_md(
        settings(**{**CHANGES, "steps": 80}), tmp_path / "at once", copper(), COPPER, False
    )
    same_run(longer.folder, out)


def limited_file_size(limit: int):
    """A disk on which no file can grow beyond a limit."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


@pytest.mark.parametrize("megabytes", [1.2, 1.8])
def test_full_disk_ends_a_run_with_exit_code_4_and_loses_nothing(tmp_path, megabytes):
    """Files can grow only so far, about 10 or 30 frames; then there is space again."""
    config = settings(**{**CHANGES, "output": {**CHANGES["output"], "trajectory_every": 1}})
    run_md(config, tmp_path / "whole", copper(), COPPER, progress=False)
    out = tmp_path / "run"
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    limited_file_size(int(megabytes * 1e6))
    try:
        with pytest.raises(
            OutOfTime, match=r"stopped at step \d+, because .* cannot be written to"
        ):
            run_md(config, out, copper(), COPPER, progress=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    go_on(out)
    same_run(tmp_path / "whole", out)


def test_full_disk_on_resume_is_bad_input_and_keeps_the_run(whole, died):
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    limited_file_size(2000)
    try:
        with pytest.raises(InputError, match="cannot be written to"):
            go_on(died)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    go_on(died)
    same_run(whole, died)


@pytest.mark.skipif(not hasattr(os, "seteuid") or os.geteuid() != 0, reason="needs to give up root")
def test_read_only_folder_is_bad_input(died):
    for path in (died, died / "run.lock"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    parents = [parent for parent in died.parents if parent.owner() == "root"]
    before = {parent: parent.stat().st_mode for parent in parents}
    for parent in parents:
        if "pytest" in str(parent):
            parent.chmod(0o755)
    os.seteuid(65534)
    try:
        with pytest.raises(InputError, match="cannot be written to: Permission denied"):
            go_on(died)
    finally:
        os.seteuid(0)
        for parent, mode in before.items():
            if "pytest" in str(parent):
                parent.chmod(mode & 0o7777)
    with Trajectory(died / "trajectory.h5") as trajectory:
        assert len(trajectory) == 7


def test_guard_leaves_checkpoint_evidence_and_a_run_that_can_go_on(tmp_path):
    """Stopped by a temperature that is normal, then resumed with a sane limit."""
    changes = {**CHANGES, "guards": {"max_temperature_k": 310.0}}
    out = tmp_path / "run"
    with pytest.raises(GuardStop, match=r"stopped at step \d+: temperature is 3\d\d K, above"):
        run_md(settings(**changes), out, copper(), COPPER, progress=False)
    assert (out / "offending.extxyz").is_file() and (out / "extrapolation.extxyz").is_file()
    assert (out / LOCK).read_text() == ""
    with pytest.raises(GuardStop):  # deterministic: the same end again
        go_on(out)
    go_on(out, overrides=["guards.max_temperature_k=5000"])
    assert not (out / "offending.extxyz").exists()
    plain = run_md(settings(**CHANGES), tmp_path / "plain", copper(), COPPER, progress=False)
    same_run(plain.folder, out)
