"""A site file in the words of Parsl."""

from __future__ import annotations

import inspect
import shlex
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limlff.errors import InputError, OutOfTime, shown
from limlff.learning.cluster.session import Session
from limlff.learning.cluster.site import ParslBlock, Site

if TYPE_CHECKING:
    from parsl import Config
    from parsl.executors import HighThroughputExecutor

_PROVIDERS = {
    "local": "LocalProvider",
    "slurm": "SlurmProvider",
    "pbspro": "PBSProProvider",
    "torque": "TorqueProvider",
    "lsf": "LSFProvider",
    "grid_engine": "GridEngineProvider",
    "condor": "CondorProvider",
}
_LAUNCHERS = {
    "single_node": "SingleNodeLauncher",
    "simple": "SimpleLauncher",
    "wrapped": "WrappedLauncher",
    "srun": "SrunLauncher",
    "mpirun": "MpiRunLauncher",
    "mpiexec": "MpiExecLauncher",
    "aprun": "AprunLauncher",
    "jsrun": "JsrunLauncher",
}
_CORES = {"slurm": "cores_per_node", "pbspro": "cpus_per_node", "condor": "cores_per_slot"}
"""What providers call the cores of a node that a job asks for."""

_GUARD = "limlff.learning.cluster.guard"
_ONE_XLA_THREAD = "export PJRT_NPROC=1"
"""For dynamics, as in `limlff md`: the kernel has threads of its own."""

NEVER_AGAIN = float("inf")


def config_of_site(site: Site, session: Session) -> Config:
    """The configuration of Parsl for the blocks of a site that it starts.

    Args:
        site: The site.
        session: The start of the campaign, with whose end all ends that Parsl starts.

    Raises:
        InputError: If Parsl does not take a setting.
    """
    from parsl import Config

    return Config(
        executors=[_executor(name, block, session) for name, block in site.on_workers().items()],
        run_dir=str(session.folder / "parsl"),
        # jobs are asked for when there are tasks, and given back when there are none
        strategy="htex_auto_scale",
        max_idletime=60.0 * site.idle_minutes,
        retries=site.retries,
        retry_handler=_cost_of_retry,
        usage_tracking=0,
        initialize_logging=False,
    )


def _cost_of_retry(error: Exception, task: Any) -> float:
    """1 for what goes on elsewhere; what failed by itself would fail again."""
    from parsl.executors.high_throughput.errors import ManagerLost, WorkerLost

    return 1.0 if isinstance(error, ManagerLost | WorkerLost | OutOfTime) else NEVER_AGAIN


def _executor(name: str, block: ParslBlock, session: Session) -> HighThroughputExecutor:
    from parsl.executors import HighThroughputExecutor
    from parsl.executors.high_throughput.executor import (
        DEFAULT_INTERCHANGE_LAUNCH_CMD,
        DEFAULT_LAUNCH_CMD,
    )
    from parsl.jobs.error_handlers import windowed_error_handler

    guard = ["-m", _GUARD, str(session.campaign), session.token]
    # workers may have a Python of their own, of this name in their PATH
    words = shlex.join([Path(sys.executable).name, *guard])
    as_format = words.replace("{", "{{").replace("}", "}}")
    given = {
        "label": name,
        "provider": _provider(name, block),
        "address": block.address or _own_address(name, block),
        "max_workers_per_node": block.workers_per_node,
        "cores_per_worker": float(block.cores_per_worker),
        "cpu_affinity": block.cpu_affinity,
        # one job may fail, as by a broken node; three in a row mean that none will start
        "block_error_handler": windowed_error_handler,
        "interchange_launch_cmd": [sys.executable, *guard, *DEFAULT_INTERCHANGE_LAUNCH_CMD],
        "launch_cmd": f"{as_format} {DEFAULT_LAUNCH_CMD}",
    }
    return _made(HighThroughputExecutor, given, block.executor_options, name, "executor_options")


def _provider(name: str, block: ParslBlock) -> Any:
    import parsl.providers

    kind = getattr(parsl.providers, _PROVIDERS[block.provider])
    given = {
        "nodes_per_block": block.nodes_per_block,
        "init_blocks": 0,
        "min_blocks": 0,
        "max_blocks": block.max_blocks,
        "worker_init": _shell_lines(name, block),
    }
    if block.launcher is not None:
        given["launcher"] = _launcher(name, block)
    cores = _CORES.get(block.provider)
    if cores is not None and cores not in block.provider_options:
        given[cores] = block.workers_per_node * block.cores_per_worker
    for key in ("walltime", "scheduler_options"):
        value = getattr(block, key)
        if not value:
            continue
        if key not in inspect.signature(kind).parameters:
            raise InputError(f"{name}: the provider {block.provider} has no {key}; leave it out")
        given[key] = value
    return _made(kind, given, block.provider_options, name, "provider_options")


def _shell_lines(name: str, block: ParslBlock) -> str:
    """What a job does before it starts workers."""
    folder = Path(sys.executable).parent
    lines = [f"export PATH={shlex.quote(str(folder))}:$PATH", block.worker_init]
    return "\n".join([_ONE_XLA_THREAD, *lines] if name == "dynamics" else lines)


def _launcher(name: str, block: ParslBlock) -> Any:
    import parsl.launchers

    kind = getattr(parsl.launchers, _LAUNCHERS[block.launcher or "single_node"])
    options = dict(block.launcher_options)
    if (block.launcher, block.provider) == ("srun", "slurm"):
        # Slurm 22.05 and newer give what srun starts one core, whatever the job has
        cores = block.workers_per_node * block.cores_per_worker
        options.setdefault("overrides", f"--cpus-per-task={cores}")
    return _made(kind, {}, options, name, "launcher_options")


def _own_address(name: str, block: ParslBlock) -> str:
    """The address of this machine; Parsl itself would ask the Internet for one."""
    if block.provider == "local":
        return "127.0.0.1"
    host = socket.gethostname()
    try:
        return socket.gethostbyname(host)
    except OSError as error:
        raise InputError(
            f"{name}: the name of this machine, {host}, has no address ({error.strerror}); name "
            "one that workers reach as 'address'"
        ) from error


def _made(
    kind: Callable[..., Any], given: dict[str, Any], options: dict[str, Any], name: str, key: str
) -> Any:
    """An object of a class of Parsl, which checks what it is given.

    Raises:
        InputError: If it does not take the options.
    """
    doubled = sorted(set(given) & set(options))
    if doubled:
        raise InputError(f"{name}.{key}: {doubled[0]} is set by limlff; leave it out")
    try:
        return kind(**given, **options)
    except Exception as error:  # of types by typeguard, of values by Parsl's own
        raise InputError(
            f"{name}.{key}: Parsl does not take {shown(options)}: {shown(error, 200)}"
        ) from error
