"""Site files: what they may say, and what Parsl is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from limlff.config import parse_config
from limlff.errors import InputError, OutOfTime
from limlff.learning.cluster.parsl_config import config_of_site
from limlff.learning.cluster.session import Session
from limlff.learning.cluster.site import LocalBlock, Site
from limlff.yaml_file import parse_yaml

DOCS = Path(__file__).parents[3] / "docs/active-learning.md"


def site_of(text: str) -> Site:
    return parse_config(parse_yaml(text, "site"), Site, "site.yaml")


def examples() -> list[Site]:
    """Those of the documentation."""
    blocks = DOCS.read_text(encoding="utf-8").split("```yaml\n")[1:]
    return [site_of(block.partition("```")[0]) for block in blocks if "# site.yaml" in block]


def test_a_block_that_is_not_named_runs_on_this_machine():
    site = site_of("dft: {kind: parsl, provider: local}")
    assert site.training == site.dynamics == LocalBlock()
    assert list(site.on_workers()) == ["dft"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dft: {kind: parsl}", "dft.provider"),
        ("dft: {kind: slurm}", "'local', 'parsl'"),
        ("dft: {kind: parsl, provider: slurn}", "slurn"),
        ("dft: {kind: local, workers_per_node: 4}", "workers_per_node"),
        ("dft: {kind: parsl, provider: slurm, walltime: 8h}", "walltime"),
        ("dft: {kind: parsl, provider: slurm, nodes_per_block: 2}", "srun or mpiexec"),
        ("dtf: {kind: local}", "dtf"),
    ],
)
def test_what_a_site_cannot_be_is_said(text, words):
    with pytest.raises(InputError, match=words):
        site_of(text)


def test_parsl_is_told_what_the_site_says(tmp_path):
    pytest.importorskip("parsl")
    slurm, local = (config_of_site(site, Session(tmp_path, "token")) for site in examples())
    for config in (slurm, local):
        assert config.usage_tracking == 0 and config.monitoring is None
        assert Path(config.run_dir) == tmp_path / "cluster/parsl"
    blocks = {executor.label: executor for executor in slurm.executors}
    assert set(blocks) == {"training", "dynamics", "dft"}
    dft = blocks["dft"]
    assert (dft.max_workers_per_node, dft.cores_per_worker) == (6, 8.0)
    assert (dft.provider.nodes_per_block, dft.provider.max_blocks) == (2, 4)
    assert dft.provider.walltime == "24:00:00" and dft.provider.partition == "standard"
    assert type(dft.provider.launcher).__name__ == "SrunLauncher"
    assert dft.provider.cores_per_node == 48
    assert dft.provider.launcher.overrides == "--cpus-per-task=48"
    assert "module load" in dft.provider.worker_init
    assert dft.provider.init_blocks == 0  # nodes are asked for when there is something to do
    assert [executor.address for executor in local.executors] == ["127.0.0.1"] * 2


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("provider: slurm, provider_options: {partitoin: long}", "dft.provider_options.*partitoin"),
        ("provider: slurm, provider_options: {max_blocks: 3}", "max_blocks is set by limlff"),
        ("provider: slurm, provider_options: {gpus_per_node: many}", "gpus_per_node"),
        ("provider: local, walltime: '01:00:00'", "local has no walltime"),
        ("provider: local, executor_options: {heartbeat: 3}", "dft.executor_options.*heartbeat"),
        ("provider: local, launcher: srun, launcher_options: {n: 3}", "dft.launcher_options"),
    ],
)
def test_what_parsl_does_not_take_is_said(tmp_path, block, words):
    pytest.importorskip("parsl")
    site = site_of(f"dft: {{kind: parsl, address: 127.0.0.1, {block}}}")
    with pytest.raises(InputError, match=words):
        config_of_site(site, Session(tmp_path, "token"))


def test_only_what_was_stopped_or_lost_is_done_again(tmp_path):
    pytest.importorskip("parsl")
    from parsl.executors.high_throughput.errors import ManagerLost, WorkerLost

    config = config_of_site(examples()[1], Session(tmp_path, "token"))
    for error in (ManagerLost(b"m", "node1"), WorkerLost(1, "node1"), OutOfTime("SIGTERM")):
        assert config.retry_handler(error, None) == 1
    assert config.retry_handler(InputError("no such file"), None) > config.retries
