"""Errors of a potential on labelled frames, from files or from objects."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ase import Atoms

from limlff.frames.checks import check_frames
from limlff.frames.frame import Frame
from limlff.frames.remarks import GivenFrames, read_and_tell, tell_remarks
from limlff.named_potential import potential_of
from limlff.paths import user_path
from limlff.potential import Potential
from limlff.precision import own_precision
from limlff.training.frame_predictions import predict_frames
from limlff.training.metrics import grouped_errors
from limlff.training.parity import plot_parity
from limlff.training.uncertainty.frames import assess_frames, frame_reliability
from limlff.training.zeros import in_zero_of_potential, zero_remark


@own_precision()
def evaluate(
    potential: Potential | str | Path,
    frames: GivenFrames | Iterable[GivenFrames],
    *,
    zero: str | None = None,
    uncertainty: bool = False,
    plots: str | Path | None = None,
    dtype: str = "float64",
) -> dict[str, Any]:
    """Compare a potential with labelled frames, as `limlff evaluate` does.

    Where a constant per element explains most of the errors of energies, standard error says so.

    Args:
        potential: Name of a shipped potential, path of a file, or a potential.
        frames: Files of frames, frames, or ASE atoms with the labels in their calculators, one or
            several.
        zero: Name of the potential's training set whose zero of energy the frames have; left out,
            that of the potential's raw energies.
        uncertainty: Whether to compare spreads and extrapolation grades with the true errors too.
        plots: Folder to draw parity plots into, if any.
        dtype: Arithmetic of the model, "float64" or "float32".

    Returns:
        `frames` and `atoms`, their numbers; `energy_mae_mev_per_atom`, `energy_rmse_mev_per_atom`,
        `force_mae_ev_per_angstrom`, `force_rmse_ev_per_angstrom` (over components),
        `stress_mae_gpa` (over the six components), each None where no frame has the label; the
        same of each group of frames under `groups`; under `uncertainty`, if asked for, what
        `limlff.training.uncertainty.frames.frame_reliability` returns. JSON can hold it all.

    Raises:
        InputError: If a file cannot be read, a frame has neither energy nor forces, or holds an
            element that the potential does not know, or it was not trained on a set `zero`.
    """
    known = potential_of(potential)
    given = [frames] if isinstance(frames, str | Path | Frame | Atoms) else frames
    labelled = read_and_tell(given)
    check_frames(labelled)
    labelled = in_zero_of_potential(labelled, known, zero)
    predictions = predict_frames(known, labelled, dtype)
    errors = grouped_errors(labelled, predictions)
    remark = zero_remark(labelled, predictions, known)
    tell_remarks([remark] if remark else [])
    if uncertainty:
        assessed = assess_frames(known, labelled, dtype)
        errors["uncertainty"] = frame_reliability(labelled, predictions, assessed)
    if plots is not None:
        plot_parity(user_path(plots), labelled, predictions)
    return errors
