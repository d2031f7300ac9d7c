"""The default model: moments of the neighbor density, their rotation invariants, and a fitting net.

For each atom i, with neighbors j at r u from it (u a unit vector) and neighbor elements z,

    B[z, n, lm] = sum_{j of element z} f_n(r_ij) Y_lm(u_ij)               moments
    A[c, lm]    = sum_{z, n} W[element of i, l, c, (z, n)] B[z, n, lm]    channels
    A[c, 00],  sum_m A[c, lm]^2,  sum_{m1 m2 m3} G A[c, l1 m1] A[c, l2 m2] A[c, l3 m3]

the last line being invariants of two, three and four bodies (G: coupling coefficients). The energy
is a linear function of the invariants plus a small net of them, both per element, plus a repulsion
at short range. The radial functions enter linearly, so sums over neighbors are taken before
channels are mixed: this is what makes the model fast.

Sources: the atomic basis of ACE (R. Drautz, Phys. Rev. B 99, 014104, 2019), its channels as in MACE
(I. Batatia et al., NeurIPS 2022), the fitting net per element as in Deep Potential (L. Zhang et
al., Phys. Rev. Lett. 120, 143001, 2018).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from pydantic import Field

from limlff.models.angular import MAX_DEGREE, cubic_couplings, spherical_harmonics
from limlff.models.contract import Neighborhoods, Parameters
from limlff.models.invariants import (
    apply_blocks,
    invariants_of,
    mixed_channels,
    products_of,
    whitening,
)
from limlff.models.radial import radial_functions
from limlff.models.repulsion import zbl_energies
from limlff.models.settings import Cutoff, Elements, Widths, check_settings

ACTIVATIONS = {"tanh": jnp.tanh, "silu": jax.nn.silu}


@dataclass(frozen=True)
class MomentModel:
    """Settings of the moment model.

    Attributes:
        elements: Chemical symbols; species are indices into them.
        cutoff: Distance beyond which atoms do not see each other (Å).
        radial: Number of radial functions per pair of elements.
        max_degree: Largest l of the spherical harmonics, 1 to 4.
        channels: Channels per l into which the moments are mixed.
        hidden: Widths of the hidden layers of the net.
        activation: "tanh" or "silu".
        repulsion: Whether the ZBL repulsion is added at short range.

    Raises:
        InputError: If a setting is outside its limits.
    """

    elements: Elements
    cutoff: Cutoff = 5.0
    radial: Annotated[int, Field(ge=2, le=64)] = 8
    max_degree: Annotated[int, Field(ge=1, le=MAX_DEGREE)] = 3
    channels: Annotated[int, Field(ge=1, le=1024)] = 16
    hidden: Widths = (32, 32)
    activation: Literal["tanh", "silu"] = "tanh"
    repulsion: bool = True

    is_local: ClassVar[bool] = True
    linear: ClassVar[tuple[str, ...]] = ("linear",)
    """Parameters that the energy is linear in."""

    def __post_init__(self) -> None:
        check_settings(self, "moment")

    @property
    def invariants(self) -> int:
        """Number of invariants per atom."""
        return self.channels * (1 + self.max_degree + len(cubic_couplings(self.max_degree)))

    @property
    def feature_count(self) -> int:
        """Number of features per atom."""
        return sum(self.hidden[-1:]) + 1 + self.invariants

    def parameter_shapes(self) -> Parameters:
        """Shapes of all parameters, nested as these are."""
        elements, moments = len(self.elements), len(self.elements) * self.radial
        widths = (self.invariants, *self.hidden, 1)
        return {
            "mixing": (elements, self.max_degree + 1, self.channels, moments),
            "linear": (elements, self.invariants),
            "net": {
                f"layer{index}": {
                    "weights": (elements, outputs, inputs),
                    "bias": (elements, outputs),
                }
                for index, (inputs, outputs) in enumerate(pairwise(widths))
            },
            "statistics": {
                "mean": (elements, self.invariants),
                "scale": (elements, self.invariants),
                "whitening": (elements, self.max_degree + 1, moments, moments),
            },
        }

    def initialize(self, key: Array) -> Parameters:
        """Random parameters, float64; the net's last layer starts small."""
        shapes = self.parameter_shapes()
        keys = jax.random.split(key, len(shapes["net"]) + 2)
        layers = {}
        for index, (name, layer) in enumerate(shapes["net"].items()):
            _, outputs, inputs = layer["weights"]
            scale = (1.0 if outputs > 1 else 0.1) / np.sqrt(inputs)
            layers[name] = {
                "weights": scale * _normal(keys[index], layer["weights"]),
                "bias": jnp.zeros(layer["bias"]),
            }
        *leading, moments = shapes["mixing"]
        return {
            "mixing": _normal(keys[-1], shapes["mixing"]) / np.sqrt(moments),
            "linear": jnp.zeros(shapes["linear"]),
            "net": layers,
            "statistics": {
                "mean": jnp.zeros(shapes["statistics"]["mean"]),
                "scale": jnp.ones(shapes["statistics"]["scale"]),
                "whitening": jnp.tile(jnp.eye(moments), (*leading[:2], 1, 1)),
            },
        }

    def adapt(self, parameters: Parameters, around: Neighborhoods) -> Parameters:
        """Parameters whose channels and invariants have unit deviation over these atoms.

        The moments of each degree are whitened, because the radial functions overlap strongly and
        their coefficients would otherwise be learned slowly.
        """
        moments = np.asarray(self._moments(around))
        new = {name: np.array(value) for name, value in parameters["statistics"].items()}
        for element in range(len(self.elements)):
            chosen = moments[:, :, np.flatnonzero(np.asarray(around.species) == element)]
            if chosen.shape[2] < 2:
                continue
            new["whitening"][element] = [
                whitening(chosen[l * l : (l + 1) ** 2]) for l in range(self.max_degree + 1)
            ]
            mixing = parameters["mixing"][element] @ new["whitening"][element]
            invariants = np.concatenate(invariants_of(self.max_degree, mixing, jnp.asarray(chosen)))
            new["mean"][element] = invariants.mean(axis=1)
            new["scale"][element] = 1 / np.maximum(invariants.std(axis=1), 1e-6)
        return {**parameters, "statistics": jax.tree.map(jnp.asarray, new)}

    def energies(self, parameters: Parameters, around: Neighborhoods) -> Float[Array, " atoms"]:
        """Energy of each atom without the baseline (eV); see `limlff.models.contract`."""
        species, vectors = around.species, around.vectors
        moments = self._moments(around)
        total = jnp.zeros(species.shape, vectors.dtype)
        for element in range(len(self.elements)):
            own, normal = self._normal_invariants(parameters, element, moments)
            total = jnp.where(species == element, self._readout(own, normal), total)
        if self.repulsion:
            squared = jnp.sum(vectors**2, axis=0)
            repulsion = zbl_energies(self.elements, species, around.neighbor_species, squared)
            total += jnp.where(species >= 0, repulsion, 0.0)
        return total

    def features(
        self, parameters: Parameters, around: Neighborhoods
    ) -> Float[Array, "features atoms"]:
        """What the energy is linear in: the net's last hidden layer, 1, the normalised invariants.

        With the last layer's weights, its bias and the linear weights of the atom's element they
        give the energy without repulsion; zero for padded atoms.
        """
        species, dtype = around.species, around.vectors.dtype
        moments = self._moments(around)
        total = jnp.zeros((self.feature_count, *species.shape), dtype)
        for element in range(len(self.elements)):
            own, normal = self._normal_invariants(parameters, element, moments)
            hidden = [self._last_hidden(own, normal)] if self.hidden else []
            ones = jnp.ones((1, *species.shape), dtype)
            rows = jnp.concatenate([*hidden, ones, *normal])
            total = jnp.where(species == element, rows, total)
        return total

    def with_readouts(
        self, parameters: Parameters, change: Float[np.ndarray, "elements features"]
    ) -> Parameters:
        """Parameters (NumPy) whose readout weights, in the order of the features, are changed."""
        last = f"layer{len(self.hidden)}"
        width = sum(self.hidden[-1:])
        layer = {name: np.asarray(array) for name, array in parameters["net"][last].items()}
        if width:
            layer["weights"] = layer["weights"] + change[:, None, :width]
        layer["bias"] = layer["bias"] + change[:, width : width + 1]
        linear = np.asarray(parameters["linear"]) + change[:, width + 1 :]
        return {**parameters, "net": {**parameters["net"], last: layer}, "linear": linear}

    def neighbor_sums(
        self, parameters: Parameters, around: Neighborhoods
    ) -> Float[Array, "channels lm atoms"]:
        """The channels A of the atom's own element; see `limlff.training.linear`."""
        species, moments = around.species, self._moments(around)
        total = jnp.zeros((self.channels, len(moments), *species.shape), moments.dtype)
        for element in range(len(self.elements)):
            mixing = self._own(parameters, element)["mixing"]
            mixed = jnp.stack(mixed_channels(self.max_degree, mixing, moments), axis=1)
            total = jnp.where(species == element, mixed, total)
        return total

    def linear_terms(
        self, parameters: Parameters, species: Array, sums: Float[Array, "channels lm atoms"]
    ) -> Float[Array, "kinds channels atoms"]:
        """Normalised invariants, those of each element in turn; see `limlff.training.linear`."""
        products = products_of(self.max_degree, [sums[:, i] for i in range(sums.shape[1])])
        terms: list[Array] = []
        for element in range(len(self.elements)):
            normal = self._normalised(self._own(parameters, element), products)
            terms += [jnp.where(species == element, block, 0.0) for block in normal]
        return jnp.stack(terms)

    def _moments(self, around: Neighborhoods) -> Float[Array, "lm moments atoms"]:
        """B of the module's formula, elements and radial functions in one axis."""
        vectors, neighbor_species = around.vectors, around.neighbor_species
        squared = jnp.sum(vectors**2, axis=0)
        radial = radial_functions(self.radial, squared / self.cutoff**2)
        angular = spherical_harmonics(self.max_degree, vectors * jax.lax.rsqrt(squared))
        if len(self.elements) > 1:
            radial = jnp.concatenate(
                [
                    jnp.where(neighbor_species == element, radial, 0.0)
                    for element in range(len(self.elements))
                ]
            )
        # Kept apart from what is around it: fused into it, XLA computes each factor again for every
        # product (3 times slower on CPU).
        radial, angular = jax.lax.optimization_barrier((radial, angular))
        return jax.lax.optimization_barrier(jnp.einsum("bkn,mkn->mbn", radial, angular))

    def _normal_invariants(
        self, parameters: Parameters, element: int, moments: Float[Array, "lm moments atoms"]
    ) -> tuple[dict[str, Any], list[Float[Array, "channels atoms"]]]:
        """Parameters of one element, and the normalised invariants of atoms if they were of it."""
        own = self._own(parameters, element)
        return own, self._normalised(own, invariants_of(self.max_degree, own["mixing"], moments))

    def _own(self, parameters: Parameters, element: int) -> dict[str, Any]:
        """Parameters of one element; whitening is part of its mixing."""
        names = ("mixing", "linear", "net", "statistics")
        own = jax.tree.map(lambda leaf: leaf[element], {name: parameters[name] for name in names})
        statistics = jax.lax.stop_gradient(own["statistics"])
        mixing = own["mixing"] @ statistics["whitening"]
        return {**own, "mixing": mixing, "statistics": statistics}

    def _normalised(
        self, own: dict[str, Any], invariants: list[Float[Array, "channels atoms"]]
    ) -> list[Float[Array, "channels atoms"]]:
        mean = own["statistics"]["mean"].reshape(-1, self.channels, 1)
        scale = own["statistics"]["scale"].reshape(-1, self.channels, 1)
        return [(block - mean[i]) * scale[i] for i, block in enumerate(invariants)]

    def _last_hidden(
        self, own: dict[str, Any], normal: list[Float[Array, "channels atoms"]]
    ) -> Float[Array, "hidden atoms"]:
        """Values of the last hidden layer, for one element."""
        activation = ACTIVATIONS[self.activation]
        first, *others = (own["net"][f"layer{i}"] for i in range(len(self.hidden)))
        values = activation(apply_blocks(first["weights"], normal) + first["bias"][:, None])
        for layer in others:
            values = activation(layer["weights"] @ values + layer["bias"][:, None])
        return values

    def _readout(
        self, own: dict[str, Any], normal: list[Float[Array, "channels atoms"]]
    ) -> Float[Array, " atoms"]:
        """Linear term plus net of the normalised invariants, for one element."""
        last = own["net"][f"layer{len(self.hidden)}"]
        if self.hidden:
            values = last["weights"] @ self._last_hidden(own, normal)
        else:
            values = apply_blocks(last["weights"], normal)
        return values[0] + last["bias"][0] + apply_blocks(own["linear"][None], normal)[0]


def _normal(key: Array, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Normal random numbers, float64."""
    # Drawn flat: for a last axis of 10, XLA needs 5 s to compile the same numbers on CPU.
    return jax.random.normal(key, (math.prod(shape),), jnp.float64).reshape(shape)
