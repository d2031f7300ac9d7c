"""A plane that turns atoms back which fly upwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from limlff.md.ensembles.integrators import Integrator
from limlff.md.system.state import AtomTable, MDState


@dataclass(frozen=True)
class UnderLid:
    """Equations of motion with an elastic wall at `MDState.lid_height`, passed only downwards.

    At the end of a step, where positions and momenta belong to the same time, an atom beyond the
    plane that moves away from it has the sign of its momentum along z changed. Positions stay, so
    that neither the kinetic nor the potential energy changes. An atom is beyond the plane by the
    displacement of one step at most.

    Attributes:
        inner: The equations of motion without the plane.
    """

    inner: Integrator

    @property
    def chain_length(self) -> int:
        """Length of the Nose-Hoover chain in the state; 0 without one."""
        return self.inner.chain_length

    def begin(self, state: MDState, atoms: AtomTable) -> tuple[MDState, Any]:
        """To the new positions and cell."""
        return self.inner.begin(state, atoms)

    def finish(self, state: MDState, memory: Any, atoms: AtomTable) -> MDState:
        """The rest of the step, and reflections, which are counted."""
        return reflected(self.inner.finish(state, memory, atoms))

    def conserved(self, state: MDState, atoms: AtomTable) -> Float[Array, ""]:
        """Conserved quantity (eV), which reflections do not change."""
        return self.inner.conserved(state, atoms)


def reflected(state: MDState) -> MDState:
    """The state after atoms beyond the lid that move upwards were turned back."""
    upwards = state.momenta[:, 2]
    leaving = (state.positions[:, 2] > state.lid_height) & (upwards > 0.0)
    return replace(
        state,
        momenta=state.momenta.at[:, 2].set(jnp.where(leaving, -upwards, upwards)),
        reflections=state.reflections + jnp.sum(leaving),
    )
