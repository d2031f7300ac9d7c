"""What a model is: one pure function from neighbor vectors to per-atom energies.

A model knows nothing of cells, time steps or files. It is a frozen dataclass of its settings, so
that it can be a static argument of a compiled function; its parameters are a pytree of arrays kept
apart.
Forces, virial and everything else are derived from `energies` in `limlff.potential`.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from jaxtyping import Array, Bool, Float, Int

Parameters = Any
"""A nested dict of arrays with string keys."""


class Model(Protocol):
    """Settings and formulas of one architecture."""

    @property
    def elements(self) -> tuple[str, ...]:
        """Chemical symbols; species are indices into them."""

    @property
    def cutoff(self) -> float:
        """Distance beyond which atoms do not see each other (Å)."""

    def initialize(self, key: Array) -> Parameters:
        """Random parameters from a key, in float64."""

    def adapt(
        self,
        parameters: Parameters,
        species: Int[Array, " atoms"],
        neighbor_species: Int[Array, "slots atoms"],
        vectors: Float[Array, "3 slots atoms"],
        mask: Bool[Array, "slots atoms"],
    ) -> Parameters:
        """Parameters whose fixed normalisation suits these neighborhoods, set before training."""

    def energies(
        self,
        parameters: Parameters,
        species: Int[Array, " atoms"],
        neighbor_species: Int[Array, "slots atoms"],
        vectors: Float[Array, "3 slots atoms"],
        mask: Bool[Array, "slots atoms"],
    ) -> Float[Array, " atoms"]:
        """Energy of each atom without the baseline (eV), in the dtype of `vectors`.

        Args:
            parameters: What `initialize` returns, in the dtype of `vectors`.
            species: Index of each atom's element; -1 for an empty atom slot, whose energy is zero.
            neighbor_species: The same of each neighbor; -1 in empty slots.
            vectors: From each atom to its neighbors (Å). In empty slots they point beyond the
                cutoff, so that a function that vanishes there needs no mask.
            mask: True where a slot holds a neighbor.
        """


@runtime_checkable
class MessagePassingModel(Model, Protocol):
    """A model whose atoms exchange messages, so that energies depend on neighbors of neighbors.

    Because a periodic image has the features of its owner, the owners of all neighbors and one list
    with one cutoff are enough, and derivatives by the pair vectors give exact forces and virial.
    """

    def graph_energies(
        self,
        parameters: Parameters,
        species: Int[Array, " atoms"],
        owners: Int[Array, "slots atoms"],
        vectors: Float[Array, "3 slots atoms"],
        mask: Bool[Array, "slots atoms"],
    ) -> Float[Array, " atoms"]:
        """Energy of each atom without the baseline (eV), in the dtype of `vectors`.

        Args:
            parameters: What `initialize` returns, in the dtype of `vectors`.
            species: Index of each atom's element; -1 for an empty atom slot, whose energy is zero.
            owners: Atom that each neighbor is, or is the image of; of any value in empty slots.
            vectors: From each atom to its neighbors (Å); beyond the cutoff in empty slots.
            mask: True where a slot holds a neighbor.
        """
