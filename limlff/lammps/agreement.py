"""What all ranks agree on in each step: sums, and whether one of them has to stop."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from limlff.errors import InputError, LimlffError
from limlff.md.guards.violation import Violation


@dataclass(frozen=True)
class Share:
    """What a rank adds to the sums over all ranks.

    Attributes:
        energy: Potential energy of its atoms (eV).
        virial: xx, yy, zz, xy, xz, yz (eV).
        kinetic_energy: Of its atoms (eV).
        atoms: Number of them.
        failed: 1 if the rank cannot go on, else 0.
        leaves: 1 if the rank was asked to end the run, else 0.
    """

    energy: float
    virial: Float[np.ndarray, "6"]
    kinetic_energy: float
    atoms: int
    failed: int
    leaves: int


def add_up(comm: Any, share: Share) -> Share:
    """The sums over all ranks, alike on all of them; collective."""
    energy, virial, *rest = astuple(share)
    mine = np.array([energy, *virial, *rest], np.float64)
    total = np.empty_like(mine)
    comm.Allreduce(mine, total)
    kinetic_energy, atoms, failed, leaves = total[7:].tolist()
    return Share(
        float(total[0]), total[1:7], kinetic_energy, round(atoms), round(failed), round(leaves)
    )


Failure = Violation | LimlffError
"""Why a rank cannot go on: a guard, or an error that a user can act on."""


def first_failure(comm: Any, mine: Failure | None) -> Failure:
    """That of the lowest rank that has one, on all of them; collective."""
    everywhere: list[Failure | None] = comm.allgather(mine)
    return next(each for each in everywhere if each is not None)


def failure_of(error: BaseException, rank: int) -> LimlffError:
    """An error of any kind as one that ends a command with a line and an exit code.

    Args:
        error: What was raised.
        rank: Where.
    """
    if isinstance(error, LimlffError):
        return error
    words = " ".join(str(error).split())[:200]
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in words:
        return InputError(
            f"rank {rank} is out of memory ({words or 'no more is left'}); use more ranks on more "
            "machines, or fewer atoms"
        )
    return LimlffError(f"rank {rank} failed: {type(error).__name__}: {words}")
