"""Small cells of lithium on copper and of both metals, and the figures that their energies give.

Most cells have at most 17 atoms, so that DFT computes the same ones; those of a single atom on
4 x 4 surface cells, where it does not reach its images, have 65. A figure is a sum of their
energies: one and the same sum for a potential and for DFT.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ase import Atoms
from ase.build import add_adsorbate, bulk, fcc100, fcc110, fcc111, make_supercell
from ase.constraints import FixAtoms, FixCartesian

from limlff.units import JOULE_PER_SQUARE_METER

MOST_FOR_DFT = 20
"""Atoms of the cells that DFT computes."""
LAYERS, VACUUM = 4, 5.0
"""Of a slab; the vacuum is on each side (Å)."""
FACETS: dict[str, tuple[Callable[..., Atoms], str, tuple[str, ...]]] = {
    "100": (fcc100, "hollow", ("bridge",)),
    "110": (fcc110, "hollow", ("longbridge", "shortbridge")),
    "111": (fcc111, "fcc", ("bridge", "hcp")),
}
"""For each: builder, site of lithium, and others: those that a hop crosses, and one of (111)."""
HEIGHT = {"100": 1.9, "110": 1.6, "111": 2.1}  # of lithium over the first layer, at first (Å)
SIXTEEN_OF_FCC = ((-1, 1, 1), (1, -1, 1), (1, 1, -1))  # images sqrt(3) a apart


def cells(lithium: float, copper: float) -> dict[str, Atoms]:
    """All cells, not relaxed, by name; `keeps_cell` in their keys says what a relaxation moves.

    Args:
        lithium: Lattice constant of bcc lithium (Å).
        copper: Of fcc copper (Å).
    """
    found = crystals(lithium, copper)
    for facet, (build, site, others) in FACETS.items():
        slab = build("Cu", (2, 2, LAYERS), a=copper, vacuum=VACUUM)
        slab.pbc = True
        bottom = slab.positions[:, 2] < slab.positions[:, 2].min() + 0.3
        slab.set_constraint(FixAtoms(mask=bottom))
        found[f"Cu({facet})"] = slab
        for place in (site, *others):
            covered = slab.copy()
            height = HEIGHT[facet] + (0.0 if place == site else 0.3)
            add_adsorbate(covered, "Li", height, place)
            if place != site:  # held over its place: at a bridge it would roll off
                above = FixCartesian(len(slab), (True, True, False))
                covered.set_constraint([FixAtoms(mask=np.append(bottom, False)), above])
            found[f"Li on Cu({facet}) {place}"] = covered
        exchanged = slab.copy()
        exchanged.symbols[int(np.argmax(slab.positions[:, 2]))] = "Li"
        found[f"Li in Cu({facet})"] = exchanged
        beside = exchanged.copy()
        add_adsorbate(beside, "Cu", HEIGHT[facet], site)
        found[f"Li in Cu({facet}), Cu on it"] = beside
    found |= far_apart(copper)
    for name, atoms in found.items():
        atoms.info = {"config_type": name, "keeps_cell": atoms.info.get("keeps_cell", True)}
    return found


def far_apart(copper: float) -> dict[str, Atoms]:
    """Single lithium atoms at a quarter of the coverage, and the slabs alone."""
    found = {}
    for facet, (build, site, _) in FACETS.items():
        slab = build("Cu", (4, 4, LAYERS), a=copper, vacuum=VACUUM)
        slab.pbc = True
        slab.set_constraint(FixAtoms(mask=slab.positions[:, 2] < slab.positions[:, 2].min() + 0.3))
        found[f"Cu({facet}), 4 x 4"] = slab
        covered = slab.copy()
        add_adsorbate(covered, "Li", HEIGHT[facet], site)
        found[f"Li on Cu({facet}) {site}, 4 x 4"] = covered
    return found


def crystals(lithium: float, copper: float) -> dict[str, Atoms]:
    """Both metals, with a vacancy too, and ordered alloys."""
    li, cu = bulk("Li", a=lithium, cubic=True), bulk("Cu", a=copper, cubic=True)
    found = {"Li": li, "Cu": cu}
    many = {"Li": li * (2, 2, 2), "Cu": make_supercell(cu, SIXTEEN_OF_FCC)}
    for element, other in (("Li", "Cu"), ("Cu", "Li")):
        found[f"{element} vacancy"] = many[element][1:]
        dilute = many[element].copy()
        dilute.symbols[0] = other
        found[f"{element}15{other}"] = dilute
    volume = {"Cu": copper**3 / 4, "Li": lithium**3 / 2}
    for name, lattice, symbols in (
        ("Cu3Li L1_2", "fcc", "LiCu3"),
        ("CuLi L1_0", "fcc", "Li2Cu2"),
        ("CuLi3 L1_2", "fcc", "CuLi3"),
        ("CuLi B2", "bcc", "LiCu"),
    ):
        atoms = bulk("Cu", lattice, a=1.0, cubic=True)
        atoms.symbols = symbols
        size = np.cbrt(sum(volume[symbol] for symbol in atoms.symbols))
        atoms.set_cell(np.eye(3) * size, scale_atoms=True)
        found[name] = atoms
    for name, atoms in found.items():
        atoms.info["keeps_cell"] = name in ("Li", "Cu", "Li vacancy", "Cu vacancy")
    return found


def figures(of: dict[str, Atoms]) -> dict[str, dict[str, float]]:
    """For each figure the factors by which the energies (eV) of the cells are added up.

    Args:
        of: The cells, as `cells` names them; relaxed or not.

    Returns:
        Factors by title, which says the unit, and by name of the cell.
    """
    found = {}
    for element in ("Li", "Cu"):
        cell = f"{element} vacancy"
        found[f"{element} vacancy, 16 sites (eV)"] = over_bulk(of, cell)
    for facet, (_, site, others) in FACETS.items():
        clean, covered = f"Cu({facet})", f"Li on Cu({facet}) {site}"
        area = 2 * np.linalg.norm(np.cross(*of[clean].cell.array[:2])) * JOULE_PER_SQUARE_METER
        surface = {name: factor / area for name, factor in over_bulk(of, clean).items()}
        found[f"{clean} surface, {LAYERS} layers, one side relaxed (J/m²)"] = surface
        found[f"{covered}, adsorption from bulk (eV)"] = {covered: 1, clean: -1, "Li": -0.5}
        found[f"{covered}, the same on 4 x 4 sites (eV)"] = {
            f"{covered}, 4 x 4": 1,
            f"{clean}, 4 x 4": -1,
            "Li": -0.5,
        }
        for place in others:
            found[f"Li on Cu({facet}), {place} over {site} (eV)"] = {
                f"Li on Cu({facet}) {place}": 1,
                covered: -1,
            }
        found[f"Li for a top Cu of Cu({facet}), both bulk (eV)"] = {
            f"Li in Cu({facet})": 1,
            clean: -1,
            "Cu": 0.25,
            "Li": -0.5,
        }
        found[f"Li on Cu({facet}) exchanges with a top Cu (eV)"] = {
            f"Li in Cu({facet}), Cu on it": 1,
            covered: -1,
        }
    for name in ("Cu15Li", "Cu3Li L1_2", "CuLi L1_0", "CuLi B2", "CuLi3 L1_2", "Li15Cu"):
        share = len(of[name]) / 1000
        found[f"{name}, formation (meV/atom)"] = {
            cell: factor / share for cell, factor in over_bulk(of, name).items()
        }
    return found


def over_bulk(of: dict[str, Atoms], name: str) -> dict[str, float]:
    """Energy of a cell over that of the same atoms in their crystals."""
    symbols = list(of[name].symbols)
    crystals_of = {e: -symbols.count(e) / len(of[e]) for e in ("Li", "Cu") if e in symbols}
    return {name: 1.0, **crystals_of}


def add_up(factors: dict[str, float], energies: dict[str, float]) -> float | None:
    """A figure from the energies of cells (eV); None where one is missing."""
    if not factors.keys() <= energies.keys():
        return None
    return float(sum(factor * energies[name] for name, factor in factors.items()))
