"""DeepPot-SE: the smooth descriptor `se_e2_a` of DeePMD-kit and its fitting net.

With s(r) = w(r) / r, w falling from 1 at `smooth_from` to 0 at the cutoff, every neighbor j of atom
i gives the row R_j = (s, s x/r, s y/r, s z/r), normalised by averages and deviations of the element
of the centre. Embedding nets G of s mix the rows, and the fitting net takes their products:

    T = 1/N sum_j G(R_j0) (x) R_j        D = T T_<^T        E_i = fit(D) + bias

T_< being the first `axis` rows of T. The sum runs over N = sum(sel) neighbors, `sel` for each
element of the neighbors; padded ones hold the normalised row of nothing, which is not zero. Of more
neighbors the nearest N count, and of these the nearest `sel` of each element, so that the energy
jumps where they change places; this too is as in DeePMD-kit 3.

Sources: L. Zhang et al., NeurIPS 2018 (arXiv 1805.09003); J. Zeng et al., J. Chem. Phys. 159,
054801 (2023), and the backend-neutral model files of DeePMD-kit 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from pydantic import Field

from limlff.errors import InputError
from limlff.models.contract import Neighborhoods, Parameters
from limlff.models.deepmd_network import Activation, affine, apply_layers, initial_layers
from limlff.models.randomness import host_generator
from limlff.models.settings import Cutoff, Elements, Width, Widths, check_settings

_LEAST_DEVIATION = 1e-2  # of DeePMD-kit: rows that hardly vary are not blown up


@dataclass(frozen=True)
class DeepPotSE:
    """Settings of a DeepPot-SE model, with the names DeePMD-kit has for them in brackets.

    Attributes:
        elements: Chemical symbols; species are indices into them [type_map].
        sel: Most neighbors of each element that are seen [sel].
        cutoff: Distance beyond which atoms do not see each other (Å) [rcut].
        smooth_from: Distance from which neighbors fade out (Å) [rcut_smth].
        embedding: Widths of the embedding nets [neuron].
        axis: Columns of the embedding that form T_< [axis_neuron].
        fitting: Widths of the hidden layers of the fitting nets [neuron].
        embedding_timestep: Time steps in the embedding nets [resnet_dt].
        fitting_timestep: Time steps in the fitting nets [resnet_dt].
        embedding_activation: Activation of the embedding nets.
        fitting_activation: Activation of the fitting nets.
        one_sided: One embedding net per element of the neighbor, not per pair [type_one_side].
        zero_average: The rows' averages stay zero [set_davg_zero].
        protection: Added to distances before they divide (Å) [env_protection].

    Raises:
        InputError: If a setting is outside its limits.
    """

    elements: Elements
    sel: tuple[Annotated[int, Field(ge=1, le=10**5)], ...]
    cutoff: Cutoff = 6.0
    smooth_from: Annotated[float, Field(ge=0.0, le=20.0)] = 0.5
    embedding: Widths = (25, 50, 100)
    axis: Width = 16
    fitting: Widths = (120, 120, 120)
    embedding_timestep: bool = False
    fitting_timestep: bool = True
    embedding_activation: Activation = "tanh"
    fitting_activation: Activation = "tanh"
    one_sided: bool = False
    zero_average: bool = False
    protection: Annotated[float, Field(ge=0.0, le=10.0)] = 0.0

    is_local: ClassVar[bool] = True
    positive: ClassVar[tuple[str, ...]] = ("statistics/deviation",)
    """Parameters that are above 0."""

    def __post_init__(self) -> None:
        check_settings(self, "deepmd")
        if len(self.sel) != len(self.elements):
            raise InputError(
                f"deepmd model: sel is {list(self.sel)} for {len(self.elements)} elements; give "
                "one number above 0 for each, the most neighbors of that element"
            )
        if not self.smooth_from < self.cutoff:
            raise InputError(
                f"deepmd model: smooth_from is {self.smooth_from}; choose 0 to the cutoff, "
                f"{self.cutoff} Å"
            )
        if not self.embedding or self.axis > self.embedding[-1]:
            raise InputError(
                f"deepmd model: axis is {self.axis}, embedding {list(self.embedding)}; choose an "
                "axis of 1 to the last width of embedding"
            )

    def embedding_name(self, centre: int, neighbor: int) -> str:
        """Key of the embedding net for a pair of elements."""
        pair = (neighbor,) if self.one_sided else (centre, neighbor)
        return "-".join(self.elements[species] for species in pair)

    def initialize(self, key: Array) -> Parameters:
        """Random parameters, float64; the last layer of the fitting nets starts small."""
        species = range(len(self.elements))
        names = dict.fromkeys(self.embedding_name(i, j) for i in species for j in species)
        generator = host_generator(key)
        embedding = {
            name: initial_layers(generator, (1, *self.embedding), self.embedding_timestep)
            for name in names
        }
        fitting = {}
        widths = (self.embedding[-1] * self.axis, *self.fitting)
        for element in self.elements:
            hidden = initial_layers(generator, widths, self.fitting_timestep)
            weights = 0.1 * generator.normal(size=(widths[-1], 1)) / np.sqrt(widths[-1])
            output = {"weights": jnp.asarray(weights), "bias": jnp.zeros(1)}
            fitting[element] = {"hidden": hidden, "output": output}
        return {
            "embedding": embedding,
            "fitting": fitting,
            "bias": jnp.zeros(len(self.elements)),
            "statistics": {
                "average": jnp.zeros(len(self.elements)),
                "deviation": jnp.ones((len(self.elements), 2)),  # of s, of the rest of a row
            },
        }

    def adapt(self, parameters: Parameters, around: Neighborhoods) -> Parameters:
        """Parameters with the averages and deviations of these rows, padded neighbors included."""
        rows = np.asarray(self.rows(around.vectors))
        average = np.array(parameters["statistics"]["average"])
        deviation = np.array(parameters["statistics"]["deviation"])
        for element in range(len(self.elements)):
            chosen = rows[:, :, np.asarray(around.species) == element]
            terms = sum(self.sel) * chosen.shape[2]
            if terms == 0:
                continue
            mean = chosen[0].sum() / terms
            spread = np.sqrt(max((chosen[0] ** 2).sum() / terms - mean**2, 0.0))
            angular = np.sqrt((chosen[1:] ** 2).sum() / (3 * terms))
            average[element] = 0.0 if self.zero_average else mean
            deviation[element] = np.maximum([spread, angular], _LEAST_DEVIATION)
        statistics = {"average": jnp.asarray(average), "deviation": jnp.asarray(deviation)}
        return {**parameters, "statistics": statistics}

    def energies(self, parameters: Parameters, around: Neighborhoods) -> Float[Array, " atoms"]:
        """Energy of each atom without the baseline (eV); see `limlff.models.contract`."""
        rows = self.rows(around.vectors)
        seen = self._seen(around)
        total = jnp.zeros(around.species.shape, rows.dtype)
        for centre in range(len(self.elements)):
            descriptor = self._descriptor(parameters, centre, seen, rows)
            net = parameters["fitting"][self.elements[centre]]
            hidden = apply_layers(net["hidden"], self.fitting_activation, descriptor)
            energy = affine(net["output"], hidden)[0] + parameters["bias"][centre]
            total = jnp.where(around.species == centre, energy, total)
        return total

    def rows(self, vectors: Float[Array, "3 neighbors atoms"]) -> Float[Array, "4 neighbors atoms"]:
        """s and s times the unit vector; zero for padded neighbors."""
        distance = jnp.sqrt(jnp.sum(vectors**2, axis=0))
        u = (distance - self.smooth_from) / (self.cutoff - self.smooth_from)
        u = jnp.clip(u, 0.0, 1.0)
        # 1 - 10 u^3 + 15 u^4 - 6 u^5 in a form that keeps its digits near the cutoff
        s = (1 - u) ** 3 * (1 + 3 * u + 6 * u * u) / (distance + self.protection)
        return jnp.concatenate([s[None], s * vectors / (distance + self.protection)])

    def _seen(self, around: Neighborhoods) -> Int[Array, "neighbors atoms"]:
        """Species of the neighbors within the cutoff, -1 for those beyond the nearest `sel`."""
        squared = jax.lax.stop_gradient(jnp.sum(around.vectors**2, axis=0))
        seen = jnp.where(squared < self.cutoff**2, around.neighbor_species, -1)
        if seen.shape[0] <= min(self.sel):
            return seen
        crowded = [jnp.sum(seen == species, axis=0) > most for species, most in enumerate(self.sel)]

        def nearest() -> Int[Array, "neighbors atoms"]:
            kept = jnp.where(_rank(squared, seen >= 0) < sum(self.sel), seen, -1)
            for species, most in enumerate(self.sel):
                own = kept == species
                kept = jnp.where(own & (_rank(squared, own) >= most), -1, kept)
            return kept

        return jax.lax.cond(jnp.any(jnp.stack(crowded)), nearest, lambda: seen)

    def _descriptor(
        self,
        parameters: Parameters,
        centre: int,
        seen: Int[Array, "neighbors atoms"],
        rows: Float[Array, "4 neighbors atoms"],
    ) -> Float[Array, "features atoms"]:
        """D of the module's formula for atoms of one element."""
        statistics = jax.lax.stop_gradient(parameters["statistics"])
        deviation = statistics["deviation"][centre][np.array([0, 1, 1, 1])]
        empty = jnp.zeros_like(deviation).at[0].set(-statistics["average"][centre]) / deviation
        scaled = rows / deviation[:, None, None] + empty[:, None, None]
        mixed = jnp.zeros((self.embedding[-1], 4, rows.shape[2]), rows.dtype)
        for neighbor, most in enumerate(self.sel):
            own = jnp.where(seen == neighbor, scaled, empty[:, None, None])
            name = self.embedding_name(centre, neighbor)
            mixed += jnp.einsum("mkn,akn->man", self._embed(parameters, name, own[0]), own)
            # every slot that this element does not fill was added as an empty one
            nothing = self._embed(parameters, name, empty[:1, None])
            mixed += (most - rows.shape[1]) * (nothing[:, 0] * empty)[:, :, None]
        mixed /= sum(self.sel)
        products = jnp.einsum("man,pan->mpn", mixed, mixed[: self.axis])
        return products.reshape(-1, rows.shape[2])

    def _embed(
        self, parameters: Parameters, name: str, s: Float[Array, "neighbors atoms"]
    ) -> Float[Array, "width neighbors atoms"]:
        """Embedding net of a pair of elements."""
        return apply_layers(parameters["embedding"][name], self.embedding_activation, s[None])


def _rank(
    squared: Float[Array, "neighbors atoms"], chosen: Bool[Array, "neighbors atoms"]
) -> Int[Array, "neighbors atoms"]:
    """Number of chosen neighbors that are nearer, for each chosen one."""
    # By counting, not sorting, which takes XLA on CPU seconds to compile; it is seldom needed.
    distance = jnp.where(chosen, squared, jnp.inf)
    slot = jnp.arange(squared.shape[0])
    earlier = (slot[:, None] < slot[None, :])[:, :, None]
    nearer = distance[:, None] < distance[None, :]
    tied = distance[:, None] == distance[None, :]
    return jnp.sum(nearer | (tied & earlier), axis=0)
