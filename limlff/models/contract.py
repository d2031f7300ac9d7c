"""What a model is: one pure function from neighborhoods to energies per atom.

A model knows nothing of cells, time steps or files. It is a frozen dataclass of its settings, so
that it can be a static argument of a compiled function; its parameters are a pytree of arrays kept
apart. Forces, virial and everything else are derived from `energies` in `limlff.prediction`.

Every model is a `Model`. One whose energy is linear in some parameters may also be a `LinearModel`,
which is fitted by least squares; one with a linear last layer may be a `FeatureModel`, which gets
an uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import jax
from jaxtyping import Array, Bool, Float, Int

Parameters = Any
"""A nested dict of arrays with string keys."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Neighborhoods:
    """Atoms and the padded lists of their neighbors; atoms are in the last axis.

    Vectors of padded neighbors point beyond the cutoff, so that what vanishes there needs no mask
    (`limlff.models.neighborhoods.fill_neighborhoods`). Blocks of atoms, where there are any, are in
    the first axis.

    Attributes:
        species: Index of each atom's element in the model's `elements`; -1 for a padded atom,
            whose energy is zero.
        neighbor_species: The same of each neighbor; -1 for padded ones.
        owners: Atom that each neighbor is, or is the image of; of any value for padded ones.
        vectors: From each atom to its neighbors (Å).
        mask: True where there is a neighbor.
    """

    species: Int[Array, "*blocks atoms"]
    neighbor_species: Int[Array, "*blocks neighbors atoms"]
    owners: Int[Array, "*blocks neighbors atoms"]
    vectors: Float[Array, "*blocks 3 neighbors atoms"]
    mask: Bool[Array, "*blocks neighbors atoms"]


class Model(Protocol):
    """Settings and formulas of one architecture."""

    is_local: ClassVar[bool]
    """Whether an atom's energy depends on its own neighborhood alone.

    If so, atoms are treated in blocks and on MPI domains. If not, atoms exchange messages: features
    of neighbors are taken by `owners`, since a periodic image has those of its owner, and one list
    with one cutoff still gives exact forces and virial.
    """

    @property
    def elements(self) -> tuple[str, ...]:
        """Chemical symbols; species are indices into them."""

    @property
    def cutoff(self) -> float:
        """Distance beyond which atoms do not see each other (Å)."""

    def initialize(self, key: Array) -> Parameters:
        """Random parameters from a key, in float64."""

    def adapt(self, parameters: Parameters, around: Neighborhoods) -> Parameters:
        """Parameters whose fixed normalisation suits these neighborhoods, set before training."""

    def energies(self, parameters: Parameters, around: Neighborhoods) -> Float[Array, " atoms"]:
        """Energy of each atom without the baseline (eV), in the dtype of the vectors.

        Args:
            parameters: What `initialize` returns, in the dtype of the vectors.
            around: The atoms and their neighbors.
        """


@runtime_checkable
class LinearModel(Model, Protocol):
    """A model whose energy is linear in some parameters, by way of sums over neighbors."""

    linear: ClassVar[tuple[str, ...]]
    """Names of these parameters, arrays of the first level."""

    def neighbor_sums(
        self, parameters: Parameters, around: Neighborhoods
    ) -> Float[Array, "channels sums atoms"]:
        """For each atom sums over its neighbors, of functions of one neighbor."""

    def linear_terms(
        self,
        parameters: Parameters,
        species: Int[Array, " atoms"],
        sums: Float[Array, "channels sums atoms"],
    ) -> Float[Array, "kinds channels atoms"]:
        """Energy that each linear parameter adds to each atom if it is one.

        Kinds and channels, flattened, are the linear parameters in their flat order. A term depends
        on the sums of its own channel alone: fewer sums in a channel make the fit quicker.
        """


@runtime_checkable
class FeatureModel(Model, Protocol):
    """A local model whose energies are linear in features, with weights for each element.

    Features do not depend on these weights, the readout. See `limlff.models.readouts`.
    """

    def features(
        self, parameters: Parameters, around: Neighborhoods
    ) -> Float[Array, "features atoms"]:
        """Features of each atom, zero for padded atoms.

        The energy of an atom, without baseline and without terms that have no parameters, is the
        product of these with the readout weights of its element.
        """

    def with_readouts(
        self, parameters: Parameters, change: Float[Array, "elements features"]
    ) -> Parameters:
        """Parameters whose readout weights are changed by so much."""
