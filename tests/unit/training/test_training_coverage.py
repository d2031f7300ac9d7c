"""A training learns something of every element, or is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from training_frames import crystals

from limlff.errors import InputError
from limlff.training.coverage import check_elements_are_trained, check_loss_has_labels
from limlff.training.data_settings import LabelWeights
from limlff.training.labelled_frame import LabelledFrame
from limlff.training.loss_settings import LossSettings

COPPER = [LabelledFrame(frame) for frame in crystals(3, seed=1)]
ALLOY = [LabelledFrame(frame) for frame in crystals(3, seed=1, nickel=True)]
NOTHING = LabelWeights(energy=0.0, force=0.0, stress=0.0)


def test_element_without_a_frame_is_refused_by_name():
    check_elements_are_trained(ALLOY, [], ("Cu", "Ni"))
    with pytest.raises(InputError, match=r"elements: Ni: no frame .*take Ni out of elements"):
        check_elements_are_trained(COPPER, [], ("Cu", "Ni"))


def test_element_of_frames_held_back_alone_is_refused_with_that_reason():
    with pytest.raises(InputError, match="only frames held back do"):
        check_elements_are_trained(COPPER, ALLOY, ("Cu", "Ni"))


def test_frames_without_labels_or_weights_teach_nothing():
    weightless = [replace(item, weights=NOTHING) for item in ALLOY]
    bare = [
        replace(item, frame=replace(item.frame, energy=None, forces=None, stress=None))
        for item in ALLOY
    ]
    for useless in (weightless, bare):
        with pytest.raises(InputError, match="elements: Ni"):
            check_elements_are_trained([*COPPER, *useless], [], ("Cu", "Ni"))


def test_loss_whose_labels_are_nowhere_is_refused():
    loss = LossSettings.model_validate({"energy": 1.0, "force": 0.0, "stress": 0.0})
    forces_only = [replace(item, frame=replace(item.frame, energy=None)) for item in COPPER]
    check_loss_has_labels(COPPER, loss)
    with pytest.raises(InputError, match="give another label a weight"):
        check_loss_has_labels(forces_only, loss)
    assert np.isfinite(loss.energy.final)
