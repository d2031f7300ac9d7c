"""One timed run in LAMMPS with a potential of limlff; rank 0 prints JSON. Used by lammps_ranks.py.

mpiexec -n RANKS python benchmarks/_lammps_rank_speed.py POTENTIAL ATOMS SECONDS
"""

from __future__ import annotations

import json
import os
import sys
import time

from limlff.compile_cache import keep_jax_programs

keep_jax_programs()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("PJRT_NPROC", "1")  # as `limlff lammps` does

from ase.data import atomic_masses, atomic_numbers  # noqa: E402
from mpi4py import MPI  # noqa: E402

from limlff.lammps.session import LammpsSession  # noqa: E402
from limlff.lammps.settings import LammpsSettings  # noqa: E402

SHORT_STEPS = 20


def main() -> None:
    """Steps of 1 fs at 300 K after 0.1 ps, as `limlff bench` has them."""
    potential, atoms, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    edge = max(2, round((atoms / 2) ** (1 / 3)))
    comm = MPI.COMM_WORLD
    settings = LammpsSettings(potential=potential)
    with LammpsSession(settings, arguments=["-screen", "none", "-log", "none"]) as session:
        for line in (
            "units metal",
            "lattice bcc 3.44",
            f"region box block 0 {edge} 0 {edge} 0 {edge}",
            f"create_box {len(session.potential.elements)} box",
            "create_atoms 1 box",
            *(
                f"mass {kind} {atomic_masses[atomic_numbers[symbol]]}"
                for kind, symbol in enumerate(session.potential.elements, 1)
            ),
            "velocity all create 600 1",
        ):
            session.command(line)
        session.couple(session.potential.elements)
        for line in ("timestep 0.001", "fix 1 all nve", "run 100 post no"):
            session.command(line)
        short = _seconds_of(session, comm, SHORT_STEPS)
        steps = comm.bcast(max(SHORT_STEPS, int(SHORT_STEPS * seconds / short)))
        taken = _seconds_of(session, comm, steps)
        lammps = session.lammps
        local = lammps.extract_setting("nlocal")
        ghosts = comm.allreduce(lammps.extract_setting("nghost"), MPI.MAX)
        builds = int(lammps.get_thermo("nbuild"))
        count = int(lammps.get_natoms())
        row = {
            "ranks": comm.size,
            "atoms": count,
            "steps": steps,
            "microseconds_per_atom_step": 1e6 * taken / steps / count,
            "most_local_atoms": comm.allreduce(local, MPI.MAX),
            "most_ghosts": ghosts,
            "steps_per_list": steps / max(1, builds),
        }
    if comm.rank == 0:
        print(json.dumps(row))


def _seconds_of(session: LammpsSession, comm: MPI.Comm, steps: int) -> float:
    """Wall time of some steps."""
    comm.Barrier()
    begin = time.perf_counter()
    session.command(f"run {steps} post no")
    comm.Barrier()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
