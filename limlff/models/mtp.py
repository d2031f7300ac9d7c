"""Moment tensor potentials, as MLIP-2 defines them.

With u the unit vector and r the length from atom i to neighbor j,

    f(mu) = sum_b c[z_i, z_j, mu, b] T_b(x) (R - r)^2 scaling         x from -1 to 1 over [r_0, R]
    M(mu, nu) = sum_j f(mu) u (x) ... (x) u                            nu factors
    E_i = species[z_i] + sum_k coefficients[k] scale[k] B_k

T_b are Chebyshev polynomials, R the cutoff, r_0 the shortest distance, and B_k the scalars into
which products of M are contracted; see `limlff.models.mtp_contractions`. The scale is 1 in imported
potentials and set from the data for a training. The slope of the force jumps at the cutoff.

Source: A. V. Shapeev, Multiscale Model. Simul. 14, 1153 (2016), and the files of MLIP-2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from pydantic import Field

from limlff.errors import InputError
from limlff.models.contract import Neighborhoods, Parameters
from limlff.models.mtp_contractions import ContractionTable, contraction_table
from limlff.models.mtp_monomials import monomial_values, monomials_up_to
from limlff.models.mtp_schedule import choose_rows, schedule_of, take_rows
from limlff.models.mtp_table import (
    MOST_PRODUCTS,
    MOST_VALUES,
    Component,
    Place,
    Product,
    check_table,
)
from limlff.models.randomness import host_generator
from limlff.models.settings import Cutoff, Elements, check_settings


@dataclass(frozen=True)
class MomentTensorPotential:
    """Settings of a moment tensor potential.

    Attributes:
        elements: Chemical symbols; species are indices into them.
        cutoff: R, distance beyond which atoms do not see each other (Å).
        shortest: r_0, the shortest distance that the polynomials are made for (Å).
        radial: Number of Chebyshev polynomials.
        level: Level of the scalars, even, 2 to 28; 0 if the table is given.
        basic: Table of the scalars: components of the moments (mu, x, y, z).
        products: Table of the scalars: products (i, j, factor, k).
        scalars: Table of the scalars: which values they are.

    Raises:
        InputError: If a setting is outside its limits.
    """

    elements: Elements
    cutoff: Cutoff = 5.0
    shortest: Annotated[float, Field(ge=0.0, le=20.0)] = 2.0
    radial: Annotated[int, Field(ge=2, le=64)] = 8
    level: Annotated[int, Field(ge=0, le=28)] = 16
    basic: Annotated[tuple[Component, ...], Field(max_length=MOST_VALUES)] = ()
    products: Annotated[tuple[Product, ...], Field(max_length=MOST_PRODUCTS)] = ()
    scalars: Annotated[tuple[Place, ...], Field(max_length=MOST_VALUES)] = ()

    is_local: ClassVar[bool] = True
    linear: ClassVar[tuple[str, ...]] = ("species", "coefficients")
    """Parameters that the energy is linear in."""

    def __post_init__(self) -> None:
        check_settings(self, "mtp")
        if bool(self.level) == bool(self.scalars):
            raise InputError("mtp model: give either level, or basic, products and scalars")
        if self.level % 2:
            raise InputError(f"mtp model: level is {self.level}; choose an even number, 2 to 28")
        if not self.shortest < self.cutoff:
            raise InputError(
                f"mtp model: shortest is {self.shortest}; choose 0 to the cutoff, {self.cutoff} Å"
            )
        if self.scalars:
            check_table(self.table)

    @cached_property
    def table(self) -> ContractionTable:
        """The table of the scalars."""
        if self.level:
            return contraction_table(self.level)
        return ContractionTable(self.basic, self.products, self.scalars)

    @property
    def functions(self) -> int:
        """Number of radial functions f."""
        return 1 + max(component[0] for component in self.table.basic)

    def initialize(self, key: Array) -> Parameters:
        """Random radial functions and small random coefficients, float64."""
        generator, number = host_generator(key), len(self.elements)
        scalars = len(self.table.scalars)
        radial = generator.normal(size=(number, number, self.functions, self.radial))
        radial /= np.sqrt(self.radial)
        return {
            "radial": jnp.asarray(radial),
            "species": jnp.zeros(number),
            "coefficients": jnp.asarray(0.1 * generator.normal(size=scalars) / np.sqrt(scalars)),
            "statistics": {"scaling": jnp.ones(()), "scale": jnp.ones(scalars)},
        }

    def adapt(self, parameters: Parameters, around: Neighborhoods) -> Parameters:
        """Parameters whose moments and scalars have unit size over these atoms."""
        moments = np.asarray(self._components(parameters, around))
        statistics = parameters["statistics"]
        scaling = np.asarray(statistics["scaling"]) / np.sqrt(np.mean(moments**2))
        scaled = {**parameters, "statistics": {**statistics, "scaling": jnp.asarray(scaling)}}
        deviation = np.asarray(self._values(scaled, around)).std(axis=1)
        scale = 1 / np.maximum(deviation, 1e-6)
        new = {"scaling": jnp.asarray(scaling), "scale": jnp.asarray(scale)}
        return {**parameters, "statistics": new}

    def energies(self, parameters: Parameters, around: Neighborhoods) -> Float[Array, " atoms"]:
        """Energy of each atom without the baseline (eV); see `limlff.models.contract`."""
        species = around.species
        scale = jax.lax.stop_gradient(parameters["statistics"]["scale"])
        values = self._values(parameters, around)
        energies = (parameters["coefficients"] * scale) @ values
        return jnp.where(species >= 0, energies + parameters["species"][species], 0.0)

    def neighbor_sums(
        self, parameters: Parameters, around: Neighborhoods
    ) -> Float[Array, "1 components atoms"]:
        """The components of M; see `limlff.training.linear`."""
        return self._components(parameters, around)[None]

    def linear_terms(
        self, parameters: Parameters, species: Array, sums: Float[Array, "1 components atoms"]
    ) -> Float[Array, "kinds 1 atoms"]:
        """One for the own element, then the scaled scalars; see `limlff.training.linear`."""
        own = species == jnp.arange(len(self.elements))[:, None]
        scalars = schedule_of(self.table).scalars_of(sums[0])
        scaled = parameters["statistics"]["scale"][:, None] * scalars
        terms = [own.astype(scaled.dtype), jnp.where(species >= 0, scaled, 0.0)]
        return jnp.concatenate(terms)[:, None]

    def _values(
        self, parameters: Parameters, around: Neighborhoods
    ) -> Float[Array, "scalars atoms"]:
        """The scalars B."""
        components = self._components(parameters, around)
        return schedule_of(self.table).scalars_of(components)

    def _components(
        self, parameters: Parameters, around: Neighborhoods
    ) -> Float[Array, "components atoms"]:
        """The components of M, in the order of the table."""
        distance = jnp.sqrt(jnp.sum(around.vectors**2, axis=0))
        radial = self._radial_functions(parameters, around, distance)
        highest = max(sum(component[1:]) for component in self.table.basic)
        exponents = monomials_up_to(highest)
        monomials = monomial_values(highest, around.vectors / distance)
        # Kept apart from what is around it, or XLA computes each factor again for every product.
        radial, monomials = jax.lax.optimization_barrier((radial, monomials))
        sums = jax.lax.optimization_barrier(jnp.einsum("fkn,pkn->pfn", radial, monomials))
        place = {monomial: index for index, monomial in enumerate(exponents)}
        used = [
            place[component[1:]] * self.functions + component[0] for component in self.table.basic
        ]
        flat = sums.reshape(-1, sums.shape[2])
        return take_rows(flat, choose_rows(np.array(used), len(flat)))

    def _radial_functions(
        self, parameters: Parameters, around: Neighborhoods, distance: Array
    ) -> Float[Array, "functions neighbors atoms"]:
        """f of each pair; zero beyond the cutoff."""
        x = (2 * distance - (self.shortest + self.cutoff)) / (self.cutoff - self.shortest)
        x = jnp.minimum(x, 1.0)
        polynomials = [jnp.ones_like(x), x]
        while len(polynomials) < self.radial:
            polynomials.append(2 * x * polynomials[-1] - polynomials[-2])
        gap = jnp.maximum(self.cutoff - distance, 0.0)
        scaling = jax.lax.stop_gradient(parameters["statistics"]["scaling"])
        basis = jnp.stack(polynomials) * (scaling * gap * gap)
        coefficients = parameters["radial"]
        if len(self.elements) == 1:
            return jnp.tensordot(coefficients[0, 0], basis, axes=1)
        total = jnp.zeros((self.functions, *distance.shape), distance.dtype)
        for centre, neighbor in np.ndindex(coefficients.shape[:2]):
            own = (around.species == centre) & (around.neighbor_species == neighbor)
            total += jnp.where(own, jnp.tensordot(coefficients[centre, neighbor], basis, 1), 0.0)
        return total
