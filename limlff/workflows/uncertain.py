"""Surroundings that the potential does not know, cut out of a run to be labelled by DFT."""

from __future__ import annotations

import numpy as np
from ase.io import write

from limlff.atomic_file import replaced_when_whole
from limlff.md.output.cutout import cut_out
from limlff.md.output.names import TRAJECTORY
from limlff.md.output.trajectory import Trajectory
from limlff.workflows.grades import UNCERTAIN, Stranger, atoms_of
from limlff.workflows.workspace import Workspace

_MOST_CUTS, _CUT_ATOMS = 10, 60  # of a stage; DFT bears so many atoms


def write_uncertain(
    strangers: dict[str, list[Stranger]], radius: float, workspace: Workspace, home: str
) -> int:
    """Cut the surroundings of the most uncertain atoms out of frames of each stage.

    Args:
        strangers: Frames with an atom outside the training data, by stage.
        radius: Reach of the potential (Å).
        workspace: Where the run works.
        home: Stage in whose folder the file `UNCERTAIN` goes.

    Returns:
        How many were cut out.
    """
    cuts = []
    for stage, found in strangers.items():
        with Trajectory(workspace.folder(stage) / TRAJECTORY) as trajectory:
            for each in worst_by_time(found, _MOST_CUTS):
                frame = trajectory[each.frame]
                try:
                    cut = cut_out(atoms_of(frame), each.atom, radius, _CUT_ATOMS)
                except ValueError:  # no cell is small enough
                    continue
                cut.info |= {"stage": stage, "grade": each.grade, "time_ps": 1e-3 * frame.time_fs}
                cuts.append(cut)
    path = workspace.folder(home) / UNCERTAIN
    path.unlink(missing_ok=True)
    if cuts:
        with replaced_when_whole(path) as temporary:
            write(temporary, cuts, format="extxyz")
    return len(cuts)


def worst_by_time(found: list[Stranger], most: int) -> list[Stranger]:
    """Of so many equal parts of the frames that hold one, the worst of each."""
    parts = np.array_split(np.arange(len(found)), min(most, len(found))) if found else []
    return [max((found[i] for i in part), key=lambda each: each.grade) for part in parts]
