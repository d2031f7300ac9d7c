"""The site file: which workers train, run molecular dynamics and calculate labels."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from limlff.config import StrictModel
from limlff.quantities import Count, Index, Minutes

Options = dict[str, Any]
"""Keyword arguments of a class of Parsl, in values that YAML can hold."""

BLOCKS = ("training", "dynamics", "dft")

_ON_ONE_NODE = (None, "single_node", "simple")


class LocalBlock(StrictModel):
    """Processes of this machine.

    Attributes:
        kind: Says so.
    """

    kind: Literal["local"] = "local"


class ParslBlock(StrictModel):
    """Workers that Parsl starts through a batch system, as many as there are tasks for.

    Attributes:
        kind: Says so.
        provider: Batch system that is asked for nodes; local starts workers on this machine.
        workers_per_node: Workers on each node; each does one task at a time.
        cores_per_worker: Cores of each worker.
        cpu_affinity: How the cores of a node are shared out to its workers; none leaves all to
            each.
        nodes_per_block: Nodes of one job of the batch system.
        max_blocks: Most such jobs at a time.
        walltime: Time for which a job is asked for, as "08:00:00".
        scheduler_options: Lines for the head of the job's script, such as those for an account.
        worker_init: Lines of shell before workers start; the Python of this process comes first in
            their PATH already.
        launcher: What starts workers on the nodes of a job; left out, they start on its first node.
        launcher_options: Further arguments of Parsl's launcher.
        address: Address of this machine by which workers reach it; left out, that of its name.
        provider_options: Further arguments of Parsl's provider, such as {partition: long}.
        executor_options: Further arguments of Parsl's HighThroughputExecutor, such as
            {heartbeat_threshold: 300}.
    """

    kind: Literal["parsl"] = "parsl"
    provider: Literal["local", "slurm", "pbspro", "torque", "lsf", "grid_engine", "condor"] = Field(
        examples=["slurm"]
    )
    workers_per_node: Count = 1
    cores_per_worker: Count = 1
    cpu_affinity: Literal["block", "block-reverse", "alternating", "none"] = "block"
    nodes_per_block: Count = 1
    max_blocks: Count = 1
    walltime: Annotated[str, Field(pattern=r"^\d+:\d\d:\d\d$")] | None = Field(
        None, examples=["08:00:00"]
    )
    scheduler_options: str = ""
    worker_init: str = ""
    launcher: (
        Literal["single_node", "simple", "wrapped", "srun", "mpirun", "mpiexec", "aprun", "jsrun"]
        | None
    ) = None
    launcher_options: Options = Field(default_factory=dict)
    address: str | None = None
    provider_options: Options = Field(default_factory=dict)
    executor_options: Options = Field(default_factory=dict)

    @model_validator(mode="after")
    def _every_node_is_used(self) -> ParslBlock:
        if self.nodes_per_block > 1 and self.launcher in _ON_ONE_NODE:
            raise ValueError(
                f"nodes_per_block is {self.nodes_per_block}, but workers would start on one node "
                "only; name a launcher such as srun or mpiexec"
            )
        return self


Block = Annotated[LocalBlock | ParslBlock, Field(discriminator="kind")]


class Site(StrictModel):
    """Where the tasks of campaigns run.

    Attributes:
        training: What trains potentials, one at a time.
        dynamics: What runs molecular dynamics; on this machine `explore.at_once` runs.
        dft: What calculates labels; on this machine `label_at_once` calculations.
        idle_minutes: After how long without a task jobs of the batch system are given back (min).
        retries: How often a task goes on whose worker was lost, as at the end of a job's time.
    """

    training: Block = LocalBlock()
    dynamics: Block = LocalBlock()
    dft: Block = LocalBlock()
    idle_minutes: Minutes = 5.0
    retries: Index = 5

    def on_workers(self) -> dict[str, ParslBlock]:
        """Blocks that Parsl starts, by their names."""
        blocks = {name: getattr(self, name) for name in BLOCKS}
        return {name: block for name, block in blocks.items() if isinstance(block, ParslBlock)}
