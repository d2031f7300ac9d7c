"""Where the lid of a run is."""

from __future__ import annotations

from ase import Atoms

from limlff.errors import InputError
from limlff.md.config import NPT, MDConfig
from limlff.md.system.structure import Structure

NO_LID = 0.0


def lid_height(atoms: Atoms, structure: Structure, config: MDConfig) -> float:
    """Height of the lid (Å); 0 if there is none.

    Args:
        atoms: The structure.
        structure: What was found to be simulated of it.
        config: The run.

    Raises:
        InputError: If atoms could not be kept under it, or it has no meaning in this run.
    """
    lid = config.lid
    if lid is None:
        return NO_LID
    if isinstance(config.ensemble, NPT):
        raise InputError("'lid' has no meaning in npt, which moves the lid; use nvt_langevin")
    if structure.keeps_centre:
        raise InputError(
            "'lid' takes up momentum, but no atom is frozen, so that the whole structure would be "
            "driven downwards; hold the lowest layers with 'frozen'"
        )
    heights = atoms.positions[:, 2]
    highest, lowest = float(heights.max()), float(heights.min())
    height = highest + (lid.above_highest_angstrom or 0.0)
    if lid.z_angstrom is not None:
        height = lid.z_angstrom
        if height <= highest:
            raise InputError(
                f"lid.z_angstrom is {height:g} Å, but the highest atom is at {highest:.2f} Å; "
                "raise the lid, or use above_highest_angstrom"
            )
    repeat = abs(float(atoms.cell.complete().array[2, 2]))
    if structure.periodic[2] and height >= lowest + repeat:
        raise InputError(
            f"the lid is at {height:.2f} Å, but the lowest layer comes again at "
            f"{lowest + repeat:.2f} Å; lower the lid, or give the cell more vacuum along z"
        )
    return height
