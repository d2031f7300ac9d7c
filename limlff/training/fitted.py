"""Which labels a training fits, and what an error of those that it does not fit would hide.

Energies of a zero of which none is fitted differ from the potential's by a constant that nobody
knows; stresses of weight 0 may be anything. Their errors say nothing of the potential.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from limlff.card import NOT_FITTED
from limlff.training.labelled_frame import LabelledFrame, label_weights
from limlff.training.loss_settings import LossSettings, ScheduledWeight

EnergyPart = Literal["all", "some", "none"]
StressPart = Literal["all", "normal", "shear", "none"]


def fitted_labels(
    train: Sequence[LabelledFrame], set_name: str, loss: LossSettings
) -> dict[str, EnergyPart | StressPart]:
    """What of the energies and stresses of a set is fitted, for its card."""
    own = [item for item in train if item.set_name == set_name]
    return {"energy_fitted": _energy_fitted(own, loss), "stress_fitted": _stress_fitted(own, loss)}


def _energy_fitted(labelled: Sequence[LabelledFrame], loss: LossSettings) -> EnergyPart:
    """Of how many of the frames that have an energy it is fitted."""
    used = [label_weights(item)[0] > 0 for item in labelled if item.frame.energy is not None]
    if not any(used) or not _counts(loss.energy):
        return "none"
    return "all" if all(used) else "some"


def _stress_fitted(labelled: Sequence[LabelledFrame], loss: LossSettings) -> StressPart:
    """Which components of the stress are fitted of any of the frames."""
    if not _counts(loss.stress):
        return "none"
    weights = np.array([label_weights(item)[2:] for item in labelled]).reshape(-1, 2)
    normal, shear = np.any(weights > 0, axis=0).tolist()
    if normal:
        return "all" if shear else "normal"
    return "shear" if shear else "none"


def fitted_zeros(train: Sequence[LabelledFrame]) -> set[int]:
    """Indices of the zeros of energy that baseline and offsets are fitted to."""
    return {item.zero for item in train if label_weights(item)[0] > 0}


def without_unfitted(
    errors: dict[str, Any],
    labelled: Sequence[LabelledFrame],
    zeros: set[int],
    loss: LossSettings,
) -> dict[str, Any]:
    """Errors with "not fitted" in place of those that say nothing of the potential.

    Args:
        errors: Of these frames, as of `limlff.training.metrics.grouped_errors`.
        labelled: Frames of one set.
        zeros: Zeros of energy that are fitted.
        loss: Weights of the kinds of label.
    """
    unfitted = set()
    if not zeros & {item.zero for item in labelled}:
        unfitted |= {"energy_mae_mev_per_atom", "energy_rmse_mev_per_atom"}
    if _stress_fitted(labelled, loss) == "none":
        unfitted.add("stress_mae_gpa")
    marked = {
        key: NOT_FITTED if key in unfitted and value is not None else value
        for key, value in errors.items()
    }
    if "groups" in errors:
        marked["groups"] = {
            name: without_unfitted(
                values, [item for item in labelled if item.frame.group == name], zeros, loss
            )
            for name, values in errors["groups"].items()
        }
    return marked


def _counts(schedule: ScheduledWeight) -> bool:
    return max(schedule.start, schedule.final) > 0
