"""A MACE-style model: equivariant messages of high body order, passed between neighbors twice.

With channels c, spherical tensors h of the atoms (at first scalars by element), harmonics Y and
radial nets R, each layer computes

    A_i[c, l3] = 1/sqrt(n) sum_j sum_paths R[path, c](r_ij) (h_j[c, l1] x Y[l2](u_ij))[l3]
    B_i[c, L]  = sum_{v <= correlation} sum_k W[z_i, v, k, c] (A_i[c] x ... x A_i[c])[k, L]
    h_i[c, L]  = mixed B_i + mixed old h_i

x being couplings of e3nn, the products of A all symmetric ones. An atom's energy is the sum of a
linear readout of the scalars of every layer but the last and of a small net of the last one's,
times a scale. It depends on atoms as far as layers * cutoff: an atom's neighbors need their own
neighbors. Periodic images have the tensors of their owners, so one list with one cutoff is exact.

Source: I. Batatia et al., NeurIPS 2022 (arXiv 2206.07697); couplings of e3nn-jax.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from pydantic import Field

from limlff.errors import InputError
from limlff.models.contract import Neighborhoods, Parameters
from limlff.models.mace_coupling import coupling, harmonics, paths, symmetric_basis
from limlff.models.radial import polynomial_cutoff
from limlff.models.randomness import Normal, host_generator
from limlff.models.repulsion import zbl_energies
from limlff.models.settings import Cutoff, Elements, Widths, check_settings

Tensors = dict[int, Float[Array, "atoms channels m"]]
"""Tensors by degree."""


@dataclass(frozen=True)
class MaceModel:
    """Settings of a MACE-style model.

    Attributes:
        elements: Chemical symbols; species are indices into them.
        cutoff: Distance beyond which atoms exchange no messages (Å).
        layers: Rounds of messages.
        channels: Channels of every tensor.
        max_degree: Largest l of harmonics and of A.
        hidden_degree: Largest l of the tensors that are passed on.
        correlation: Most factors in a product of A.
        radial: Bessel functions of the distance.
        radial_hidden: Widths of the radial nets.
        readout_hidden: Width of the net of the last readout.
        repulsion: Whether the ZBL repulsion is added at short range.

    Raises:
        InputError: If a setting is outside its limits.
    """

    elements: Elements
    cutoff: Cutoff = 5.0
    layers: Annotated[int, Field(ge=1, le=4)] = 2
    channels: Annotated[int, Field(ge=1, le=512)] = 16
    max_degree: Annotated[int, Field(ge=0, le=3)] = 2
    hidden_degree: Annotated[int, Field(ge=0, le=3)] = 1
    correlation: Annotated[int, Field(ge=1, le=3)] = 3
    radial: Annotated[int, Field(ge=1, le=32)] = 8
    radial_hidden: Widths = (32, 32)
    readout_hidden: Annotated[int, Field(ge=1, le=512)] = 16
    repulsion: bool = True

    is_local: ClassVar[bool] = False
    positive: ClassVar[tuple[str, ...]] = ("statistics/neighbors",)
    """Parameters that are above 0."""

    def __post_init__(self) -> None:
        check_settings(self, "mace")
        if self.hidden_degree > self.max_degree:
            raise InputError(
                f"mace model: hidden_degree is {self.hidden_degree}; choose 0 to max_degree, "
                f"{self.max_degree}"
            )

    def initialize(self, key: Array) -> Parameters:
        """Random parameters, float64, that keep features at about unit size."""
        generator, number = host_generator(key), len(self.elements)

        def normal(*shape: int, fan: float) -> Array:
            return jnp.asarray(generator.normal(size=shape) / np.sqrt(fan))

        layers = {}
        for layer in range(self.layers):
            couplings = self._paths(layer)
            widths = (self.radial, *self.radial_hidden, len(couplings) * self.channels)
            own: Parameters = {
                "radial": {
                    str(i): normal(*pair, fan=pair[0]) for i, pair in enumerate(pairwise(widths))
                },
                "message": self._mixers(generator, range(self.max_degree + 1)),
                "update": self._mixers(generator, self._outputs(layer)),
                "product": {},
            }
            for degree in self._outputs(layer):
                for order in range(1, self.correlation + 1):
                    ways = symmetric_basis(self.max_degree, order, degree).shape[-2]
                    weights = normal(number, ways, self.channels, fan=max(ways, 1))
                    own["product"][f"{degree}-{order}"] = weights
            if layer > 0:
                kept = [l for l in self._outputs(layer) if l in self._outputs(layer - 1)]
                own["skip"] = {
                    str(l): normal(number, self.channels, self.channels, fan=self.channels)
                    for l in kept
                }
            layers[str(layer)] = own
        width = self.readout_hidden
        return {
            "embedding": normal(number, self.channels, fan=1),
            "layers": layers,
            "readout": {
                **{
                    str(layer): 0.1 * normal(self.channels, fan=self.channels)
                    for layer in range(self.layers - 1)
                },
                "hidden": normal(self.channels, width, fan=self.channels),
                "last": 0.1 * normal(width, fan=width),
            },
            "scale": jnp.ones(()),
            "statistics": {"neighbors": jnp.full((), 20.0)},
        }

    def adapt(self, parameters: Parameters, around: Neighborhoods) -> Parameters:
        """Parameters with the mean number of neighbors, by which messages are divided."""
        inside = np.sum(np.asarray(around.vectors) ** 2, axis=0) < self.cutoff**2
        counts = np.sum(np.asarray(around.mask) & inside, axis=0)[np.asarray(around.species) >= 0]
        neighbors = jnp.asarray(max(float(np.mean(counts)), 1.0))
        return {**parameters, "statistics": {"neighbors": neighbors}}

    def energies(self, parameters: Parameters, around: Neighborhoods) -> Float[Array, " atoms"]:
        """Energy of each atom without the baseline (eV); see `limlff.models.contract`."""
        species, vectors = around.species, around.vectors
        edges = jnp.moveaxis(vectors, 0, -1)
        squared = jnp.sum(vectors**2, axis=0)
        angular = harmonics(self.max_degree, edges)
        basis = (
            self._bessel(jnp.sqrt(squared)) * polynomial_cutoff(squared / self.cutoff**2)[..., None]
        )
        basis = jnp.where(around.mask[..., None], basis, 0.0)
        centre = jnp.maximum(species, 0)
        features: Tensors = {0: parameters["embedding"][centre][:, :, None]}
        total = jnp.zeros(species.shape, vectors.dtype)
        for layer in range(self.layers):
            own = parameters["layers"][str(layer)]
            messages = self._messages(parameters, layer, features, around.owners, angular, basis)
            new = self._products(own, layer, centre, messages)
            for degree in new.keys() & {int(l) for l in own.get("skip", {})}:
                mixer = own["skip"][str(degree)][centre]
                new[degree] += jnp.einsum("ncd,ncm->ndm", mixer, features[degree])
            features = new
            total += self._readout(parameters["readout"], layer, features[0][:, :, 0])
        total *= parameters["scale"]
        if self.repulsion:
            total += zbl_energies(self.elements, species, around.neighbor_species, squared)
        return jnp.where(species >= 0, total, 0.0)

    def _messages(
        self,
        parameters: Parameters,
        layer: int,
        features: Tensors,
        owners: Array,
        angular: Float[Array, "neighbors atoms lm"],
        basis: Float[Array, "neighbors atoms radial"],
    ) -> Float[Array, "atoms channels lm"]:
        """A of the module's formula, its degrees joined."""
        own, couplings = parameters["layers"][str(layer)], self._paths(layer)
        weights = basis
        for index in range(len(self.radial_hidden)):
            # its scale gives silu of a normal number about unit mean square
            weights = 1.7 * jax.nn.silu(weights @ own["radial"][str(index)])
        weights = weights @ own["radial"][str(len(self.radial_hidden))]
        weights = weights.reshape(*owners.shape, len(couplings), self.channels)
        neighbors = {degree: tensor[owners] for degree, tensor in features.items()}
        sums: dict[int, Array] = {}
        for index, (l1, l2, l3) in enumerate(couplings):
            table = jnp.asarray(coupling(l1, l2, l3), basis.dtype)
            turned = jnp.einsum("knb,abm->knam", angular[..., l2 * l2 : (l2 + 1) ** 2], table)
            weighted = neighbors[l1] * weights[:, :, index, :, None]
            sums[l3] = sums.get(l3, 0.0) + jnp.einsum("knca,knam->ncm", weighted, turned)
        count = jax.lax.stop_gradient(parameters["statistics"]["neighbors"])
        mixed = [
            jnp.einsum("cd,ncm->ndm", own["message"][str(l)], sums[l])
            for l in range(self.max_degree + 1)
        ]
        return jnp.concatenate(mixed, axis=2) / jnp.sqrt(count)

    def _products(
        self,
        own: Parameters,
        layer: int,
        centre: Array,
        messages: Float[Array, "atoms channels lm"],
    ) -> Tensors:
        """Mixed B of the module's formula, innermost sum first."""
        new: Tensors = {}
        for degree in self._outputs(layer):
            total = jnp.zeros((*messages.shape[:2], 2 * degree + 1), messages.dtype)
            for element in range(len(self.elements)):
                weights = {
                    order: own["product"][f"{degree}-{order}"][element]
                    for order in range(1, self.correlation + 1)
                }
                products = self._contract(weights, degree, messages)
                total = jnp.where((centre == element)[:, None, None], products, total)
            new[degree] = jnp.einsum("cd,ncm->ndm", own["update"][str(degree)], total)
        return new

    def _contract(
        self, weights: dict[int, Array], degree: int, messages: Float[Array, "atoms channels lm"]
    ) -> Float[Array, "atoms channels m"]:
        """B for one element's weights: one factor A after the other is multiplied in."""
        partial = None
        for order in range(self.correlation, 0, -1):
            basis = jnp.asarray(symmetric_basis(self.max_degree, order, degree), messages.dtype)
            table = jnp.einsum("...km,kc->c...m", basis, weights[order])
            if partial is None:
                partial = jnp.einsum("c...am,nca->nc...m", table, messages)
            else:
                partial = jnp.einsum("nc...am,nca->nc...m", partial + table, messages)
        assert partial is not None
        return partial

    def _readout(
        self, readout: Parameters, layer: int, scalars: Float[Array, "atoms channels"]
    ) -> Float[Array, " atoms"]:
        if layer < self.layers - 1:
            return scalars @ readout[str(layer)]
        return jax.nn.silu(scalars @ readout["hidden"]) @ readout["last"]

    def _bessel(
        self, distance: Float[Array, "neighbors atoms"]
    ) -> Float[Array, "neighbors atoms radial"]:
        """sin(n pi r / R) / r, normalised on the sphere of the cutoff; of size one at mid-range."""
        orders = jnp.arange(1, self.radial + 1, dtype=distance.dtype)
        inside = jnp.minimum(distance, self.cutoff)[..., None]
        return 2 * jnp.sin(orders * jnp.pi * inside / self.cutoff) * self.cutoff / 2 / inside

    def _outputs(self, layer: int) -> tuple[int, ...]:
        """Degrees of the tensors that a layer passes on; of the last one, scalars only."""
        return (0,) if layer == self.layers - 1 else tuple(range(self.hidden_degree + 1))

    def _paths(self, layer: int) -> list[tuple[int, int, int]]:
        """Couplings of features and harmonics in a layer."""
        inputs = (0,) if layer == 0 else self._outputs(layer - 1)
        degrees = tuple(range(self.max_degree + 1))
        return paths(inputs, degrees, degrees)

    def _mixers(self, generator: Normal, degrees: range | tuple[int, ...]) -> Parameters:
        """A random matrix between channels for each degree."""
        size = (self.channels, self.channels)
        scale = np.sqrt(self.channels)
        return {str(l): jnp.asarray(generator.normal(size=size) / scale) for l in degrees}
